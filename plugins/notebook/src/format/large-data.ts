import {keep, KeptText} from './kept.ts'
import type {MimeBundle} from './model.ts'
import {dataForFile, jsonChunks} from './write.ts'

/** From this length on, in characters of JSON, data is kept as it will be written. */
const largeFrom = 32 * 1024
/** Where the data of a display stands in the file. */
const margin = '\n      '

/** The same data, of which what is large, pictures and tables, takes no more memory than it does in the file. */
export function keptData(data: MimeBundle): MimeBundle {
  const bundle = {...data}
  for (const [mime, value] of Object.entries(data)) {
    if (typeof value === 'string' ? value.length < largeFrom : typeof value !== 'object' || value === null) continue
    const written = new KeptText()
    let length = 0
    const forFile = dataForFile(mime, value)
    for (const chunk of jsonChunks(forFile, margin)) {
      written.add(chunk)
      length += chunk.length
    }
    if (length < largeFrom) continue
    const isLines = forFile !== value
    keep(bundle, mime, {written, read: () => {
      const read: unknown = JSON.parse([...written.chunks()].join(''))
      return isLines ? (read as string[]).join('') : read // as it was written
    }})
  }
  return bundle
}
