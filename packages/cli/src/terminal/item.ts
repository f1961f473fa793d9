import type {ListedTerminal} from '@cgpu/core/terminals/terminals'

/** A terminal with the fields that every list of cgpu has. */
export interface TerminalItem {
  id: string
  name: string
  runtime: string
  state: 'attached' | 'detached'
  createdAt: string
  clients: number
  rows: number
  cols: number
  /** the program in its foreground, where the machine can tell */
  foreground: string | null
  /** since somebody came, went or typed */
  idleSeconds: number
  argv: string[]
  cwd: string
}

export function itemOf(terminal: ListedTerminal, runtime: string): TerminalItem {
  const {id, name, clients, startedAt, rows, cols, foreground, idleSeconds, argv, cwd} = terminal
  return {
    id, name, runtime, state: clients > 0 ? 'attached' : 'detached', createdAt: new Date(startedAt * 1000).toISOString(), clients, rows, cols, foreground, idleSeconds, argv, cwd,
  }
}
