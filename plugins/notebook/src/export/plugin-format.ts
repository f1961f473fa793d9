import {callRegistered, errors, type HookHost, type NotebookExporterRegistration, sanitizeLine} from '@cgpu/plugin-sdk'
import {notebookText} from '../format/write.ts'
import type {Format} from './exporter.ts'

/** What a plugin's converter has time for. */
const limitMs = 120_000

/** A plugin's format. Its converter is given a copy of the notebook, as its file has it; neither can it write into the command's result. */
export function fromPlugin(host: HookHost, {format, extension, convert}: NotebookExporterRegistration): Format {
  return {
    name: format,
    extension: () => `.${extension}`,
    async write(notebook) {
      const copy = JSON.parse(notebookText(notebook)) as Record<string, unknown> // a notebook is an object
      try {
        const content: unknown = await callRegistered(host, 'notebook-exporter:register', (signal) => convert(copy, {signal}), limitMs)
        if (typeof content === 'string' || content instanceof Uint8Array) return {content}
        throw new TypeError('it gave neither text nor bytes')
      } catch (error) {
        throw errors.usage(`the format ${format} failed: ${sanitizeLine(error instanceof Error ? error.message : String(error), 300)}`, {
          code: 'NOTEBOOK_EXPORTER_FAILED', category: 'plugin', fix: 'ask the plugin\'s author, or choose another format with --to', cause: error,
        })
      }
    },
  }
}
