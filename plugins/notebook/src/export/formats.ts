import {errors, type HookHost, registeredNotebookExporters, sanitizeLine} from '@cgpu/plugin-sdk'
import {notebookChunks} from '../format/write.ts'
import {languageOf} from '../language.ts'
import type {Format} from './exporter.ts'
import {fromPlugin} from './plugin-format.ts'

const fixed = (extension: string) => () => extension

/** The formats of this plugin. What writes one is loaded when it is asked for. */
const own: readonly Format[] = [
  {name: 'html', extension: fixed('.html'), write: async (notebook, options) => ({content: await (await import('./html/page.ts')).htmlPage(notebook, options)})},
  {name: 'pdf', extension: fixed('.pdf'), write: async (notebook, options) => ({content: await (await import('./pdf/print.ts')).pdf(notebook, options)})},
  {name: 'md', extension: fixed('.md'), write: async (notebook, options) => (await import('./markdown/write.ts')).markdownText(notebook, options)},
  {name: 'py', extension: fixed('.py'), write: async (notebook, options) => ({content: (await import('./script/write.ts')).scriptText(notebook, {...options, language: 'python'})})},
  {name: 'script', extension: (notebook) => languageOf(notebook)?.extension ?? '.txt', write: async (notebook, options) => ({content: (await import('./script/write.ts')).scriptText(notebook, options)})},
  {name: 'percent', extension: (notebook) => languageOf(notebook)?.extension ?? '.txt', write: async (notebook) => ({content: (await import('./percent/write.ts')).percentText(notebook)})},
  {name: 'ipynb', extension: fixed('.ipynb'), write: async (notebook) => ({content: notebookChunks(notebook)})},
]

/** The format of this name, or of the file that is to be written; HTML where neither says. Throws UNKNOWN_FORMAT (64), NOTEBOOK_EXPORTER_CLASH (72). */
export async function formatOf(host: HookHost, {to, out}: {to: string | undefined; out: string | undefined}): Promise<Format> {
  const name = to ?? byEnding(out) ?? 'html'
  const found = own.find((one) => one.name === name)
  if (found) return found
  const names = own.map((one) => one.name)
  const others = await registeredNotebookExporters(host, names)
  const other = others.find(({format}) => format === name)
  if (other) return fromPlugin(host, other)
  throw errors.usage(`there is no format "${sanitizeLine(name, 40)}"`, {code: 'UNKNOWN_FORMAT', fix: `give one of ${[...names, ...others.map(({format}) => format)].join(', ')}`})
}

/** `-o report.pdf` says enough. */
const byEnding = (out: string | undefined): string | undefined => ['html', 'pdf', 'md', 'py', 'ipynb'].find((name) => out?.toLowerCase().endsWith(`.${name}`))
