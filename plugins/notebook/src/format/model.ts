/** A notebook in memory, always of format 4.5: multi-line strings joined, every cell with an id. Unknown keys are kept as they are. */
export interface Notebook {
  cells: Cell[]
  metadata: Metadata
  nbformat: 4
  nbformat_minor: number
}

export type Metadata = Record<string, unknown>
export type MimeBundle = Record<string, unknown>

export interface CodeCell {
  cell_type: 'code'
  id: string
  source: string
  metadata: Metadata
  execution_count: number | null
  outputs: Output[]
}

export interface TextCell {
  cell_type: 'markdown' | 'raw'
  id: string
  source: string
  metadata: Metadata
  attachments?: Record<string, MimeBundle>
}

export type Cell = CodeCell | TextCell

export interface StreamOutput {
  output_type: 'stream'
  name: string
  text: string
}

export interface DisplayOutput {
  output_type: 'display_data' | 'execute_result'
  data: MimeBundle
  metadata: Metadata
  execution_count?: number | null
}

export interface ErrorOutput {
  output_type: 'error'
  ename: string
  evalue: string
  traceback: string[]
}

export type Output = StreamOutput | DisplayOutput | ErrorOutput

/** The tags of a cell; anything else there is none. */
export function tagsOf(cell: Cell): string[] {
  const tags = cell.metadata['tags']
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
}

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
