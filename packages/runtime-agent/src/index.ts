import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'

/** The agent: one Python file, beside `src` and `dist` alike. */
export const agentPath = fileURLToPath(new URL('../python/cgpu_agent.py', import.meta.url))

let source: string | undefined
let version: string | undefined
const parts = new Map<string, {id: string; source: Uint8Array}>()

/** The agent's Python source, ASCII only. Read once, when it is first needed. */
export function agentSource(): string {
  return (source ??= readFileSync(agentPath, 'utf8').replaceAll('\r\n', '\n'))
}

/** First 16 hex digits of the source's SHA-256: what the agent calls its version. */
export function agentVersion(): string {
  return (version ??= createHash('sha256').update(agentSource()).digest('hex').slice(0, 16))
}

/** A part of the agent (`python/parts/NAME.py`), and what the agent calls it: NAME and the first 16 hex digits of its SHA-256. */
export function readPart(name: string): {id: string; source: Uint8Array} {
  const known = parts.get(name)
  if (known) return known
  const source = Buffer.from(readFileSync(fileURLToPath(new URL(`../python/parts/${name}.py`, import.meta.url)), 'utf8').replaceAll('\r\n', '\n'))
  const part = {id: `${name}-${createHash('sha256').update(source).digest('hex').slice(0, 16)}`, source}
  parts.set(name, part)
  return part
}
