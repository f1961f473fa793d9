import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** The agent: one Python file, beside `src` and `dist` alike. */
export const agentPath = fileURLToPath(new URL('../python/cgpu_agent.py', import.meta.url))

let source: string | undefined
let version: string | undefined

/** The agent's Python source, ASCII only. Read once, when it is first needed. */
export function agentSource(): string {
  return (source ??= readFileSync(agentPath, 'utf8').replaceAll('\r\n', '\n'))
}

/** First 16 hex digits of the source's SHA-256: what the agent calls its version. */
export function agentVersion(): string {
  return (version ??= createHash('sha256').update(agentSource()).digest('hex').slice(0, 16))
}
