import type {HistoryEntry} from '../entry.ts'
import {toNotebook} from './ipynb.ts'
import {toMarkdown} from './markdown.ts'
import {inOrder} from './order.ts'
import {toPython} from './python.ts'

export const exportFormats = ['ipynb', 'md', 'py', 'jsonl'] as const
export type ExportFormat = (typeof exportFormats)[number]

const writers: Record<ExportFormat, (entries: readonly HistoryEntry[]) => string> = {
  ipynb: toNotebook,
  md: toMarkdown,
  py: toPython,
  jsonl: entries => inOrder(entries).map(entry => `${JSON.stringify(entry)}\n`).join(''),
}

/** The executions as a document, oldest first. */
export const exported = (entries: readonly HistoryEntry[], format: ExportFormat): string => writers[format](entries)
