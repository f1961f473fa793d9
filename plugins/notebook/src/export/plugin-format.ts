import {type NotebookExporterRegistration, errors, sanitizeLine} from '@cgpu/plugin-sdk'
import {notebookText} from '../format/write.ts'
import type {Format} from './exporter.ts'

/** What a plugin's converter has time for. */
const limitMs = 120_000

/** A plugin's format. It is given a copy of the notebook, as its file has it. */
export function fromPlugin({format, extension, convert}: NotebookExporterRegistration): Format {
  return {
    name: format,
    extension: () => `.${extension}`,
    async write(notebook) {
      const signal = AbortSignal.timeout(limitMs)
      const late = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(new Error(`it took longer than ${limitMs / 1000} s`)), {once: true}))
      try {
        const content = await Promise.race([convert(JSON.parse(notebookText(notebook)) as Record<string, unknown>, {signal}), late]) // a notebook is an object
        if (typeof content !== 'string' && !(content instanceof Uint8Array)) throw new TypeError('it gave neither text nor bytes')
        return {content}
      } catch (error) {
        throw errors.usage(`the format ${format} failed: ${sanitizeLine(error instanceof Error ? error.message : String(error), 300)}`, {
          code: 'NOTEBOOK_EXPORTER_FAILED', category: 'plugin', fix: 'ask the plugin\'s author, or choose another format with --to', cause: error,
        })
      }
    },
  }
}
