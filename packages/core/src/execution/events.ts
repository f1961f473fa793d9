/** What happens while code or a job runs, in order. Commands render these; core never prints. */
export type ExecutionEvent =
  | {type: 'started'; id: string; runtime: string; kernel?: string; attached?: boolean}
  | {type: 'stdout'; data: Uint8Array}
  | {type: 'stderr'; data: Uint8Array}
  | {type: 'display'; display: Display}
  | {type: 'progress'; message: string; detail?: string; done?: number; total?: number}
  | {type: 'input_request'; prompt: string; password: boolean}
  | {type: 'artifact'; path: string; size: number; sha256: string}
  /** of the runtime that was made for this run, until now; about */
  | {type: 'cost'; amount: number; unit: string; durationSeconds: number}
  | {type: 'reconnecting'; reason: string}
  | {type: 'reconnected'}
  | {type: 'notice'; code: string; message: string}

export type EventListener = (event: ExecutionEvent) => void | Promise<void>

/** A rich result of a cell. `data` maps MIME types to bundles as the kernel sent them. */
export interface Display {
  kind: 'display_data' | 'execute_result' | 'update_display_data' | 'clear_output'
  data: Record<string, unknown>
  metadata: Record<string, unknown>
  executionCount?: number
  displayId?: string
}

/** Reads a display out of a message's or a log record's content; null for anything else. */
export function displayOf(kind: string, content: Record<string, unknown>): Display | null {
  if (kind === 'clear_output') return {kind, data: {}, metadata: {wait: content['wait'] === true}}
  if (kind !== 'display_data' && kind !== 'execute_result' && kind !== 'update_display_data') return null
  const record = (value: unknown): Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? {...value} : {}
  const count = content['execution_count']
  const id = record(content['transient'])['display_id']
  return {
    kind,
    data: record(content['data']),
    metadata: record(content['metadata']),
    ...(typeof count === 'number' ? {executionCount: count} : {}),
    ...(typeof id === 'string' ? {displayId: id} : {}),
  }
}
