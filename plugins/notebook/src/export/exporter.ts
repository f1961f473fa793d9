import type {Notebook} from '../format/model.ts'
import type {Visibility} from './visible.ts'

/** What every format may ask about what it is to write. */
export interface ExportOptions extends Visibility {
  /** the notebook's name without its ending */
  name: string
  /** where it is; undefined: it came by stdin */
  folder: string | undefined
  title: string | undefined
  toc: boolean
  /** HTML and scripts of the notebook may act */
  trust: boolean
  /** pictures are part of the text: there is no place for files of their own, or none is wanted */
  embedImages: boolean
}

export interface Exported {
  content: string | Uint8Array | Iterable<string>
  /** files that belong beside it, by their path from its folder */
  files?: ReadonlyMap<string, Uint8Array>
}

export interface Format {
  name: string
  /** of the file's name, with the dot; a script's is that of its language */
  extension: (notebook: Notebook) => string
  write: (notebook: Notebook, options: ExportOptions) => Promise<Exported>
}
