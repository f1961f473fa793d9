import {TerminalFilter} from '@cgpu/core/text/terminal'
import {isLively, type Env} from './terminal.ts'

export interface RemoteError {
  name: string
  value: string
  traceback: readonly string[]
}

/** A kernel's traceback, coloured where stderr is a terminal that wants it, with a newline at the end. */
export function formatTraceback(error: RemoteError, stream: {isTTY?: boolean} = process.stderr, env: Env = process.env): string {
  const text = error.traceback.length > 0 ? error.traceback.join('\n') : `${error.name}: ${error.value}`
  const shown = isLively(stream, env) ? text : text.replaceAll(/\u001b\[[0-9;:]*m/g, '')
  const filter = new TerminalFilter()
  return `${(filter.write(shown) + filter.end()).trimEnd()}\n`
}
