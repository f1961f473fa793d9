export interface SessionStatus {
  runtime: string
  /** code that runs on it now */
  running: number
  /** since it was last used */
  idleSeconds: number
}

export interface TaskStatus {
  name: string
  state: 'idle' | 'busy' | 'failed' | 'waiting'
  /** ISO 8601; null: it has not run yet */
  ranAt: string | null
}

/** What a daemon says of itself. No secrets. */
export interface DaemonStatus {
  pid: number
  version: string
  build: string
  protocol: number
  startedAt: string
  memoryBytes: number
  /** of one processor, since it started */
  cpuSeconds: number
  socket: string
  sessions: SessionStatus[]
  running: number
  /** executions since it started */
  executions: number
  tasks: TaskStatus[]
}
