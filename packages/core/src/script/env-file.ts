import {parseEnv} from 'node:util'
import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'

const nameRule = /^[A-Za-z_][A-Za-z0-9_]*$/
const maxLength = 2 ** 20

/** Whether a text can be the name of an environment variable. */
export function isEnvName(name: string): boolean {
  return nameRule.test(name) && name.length <= 1000
}

/**
 * `-e` flags: `NAME=VALUE`, or `NAME` alone for the value that this process has. Later ones win.
 * Throws INVALID_ENV or ENV_NOT_SET (exit 64), never with a value in the message.
 */
export function parseEnvAssignments(assignments: readonly string[], own: NodeJS.ProcessEnv): Record<string, string> {
  const found = new Map<string, string>()
  for (const assignment of assignments) {
    const split = assignment.indexOf('=')
    const name = split === -1 ? assignment : assignment.slice(0, split)
    if (!isEnvName(name)) {
      throw errors.usage(`"${sanitizeLine(name, 60)}" cannot be the name of an environment variable`, {
        code: 'INVALID_ENV', fix: 'write NAME=VALUE or NAME, with a name of letters, digits and "_"',
      })
    }
    const value = split === -1 ? own[name] : assignment.slice(split + 1)
    if (value === undefined) {
      throw errors.usage(`the environment variable ${name} is not set here`, {code: 'ENV_NOT_SET', fix: `set it, or write ${name}=VALUE`})
    }
    if (value.includes('\0')) throw errors.usage(`the value of ${name} holds a NUL character`, {code: 'INVALID_ENV', fix: 'leave it out'})
    found.set(name, value)
  }
  return Object.fromEntries(found)
}

/**
 * The variables of a `.env` file, read as Node's `--env-file` does, but strictly: what Node would skip in silence is
 * ENV_FILE_INVALID (exit 65) with the line. `path` is only for messages.
 */
export function parseEnvFile(text: string, path: string): Record<string, string> {
  const fail = (line: number, why: string): Error => errors.data(`${sanitizeLine(path)}:${line}: ${why}`, {
    code: 'ENV_FILE_INVALID', fix: 'write one NAME=VALUE a line; comments start with "#"', details: {path, line},
  })
  const body = text.startsWith('\ufeff') ? text.slice(1) : text
  if (body.length > maxLength) throw fail(1, 'the file is bigger than 1 MB')
  if (body.includes('\0')) throw fail(body.slice(0, body.indexOf('\0')).split('\n').length, 'it holds a NUL character')
  const plain = body.replaceAll('\r\n', '\n')
  checkLines(plain, fail)
  const found: Record<string, string> = {}
  // where the value is empty, Node 24's parser keeps the `export` in the name
  for (const [name, value] of Object.entries(parseEnv(plain))) if (value !== undefined) found[name.replace(/^export\s+/, '')] = value
  return found
}

/** Walks over the assignments; a quoted value may span lines. */
function checkLines(text: string, fail: (line: number, why: string) => Error): void {
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (/^\s*(?:#|$)/.test(line)) continue
    const match = /^\s*(?:export\s+)?([^=]*?)\s*=\s*(.*)$/.exec(line)
    // a value may be a secret: messages show names only
    if (!match) throw fail(at + 1, 'expected NAME=VALUE')
    const [, name = '', value = ''] = match
    if (!isEnvName(name)) throw fail(at + 1, `"${sanitizeLine(name, 60)}" cannot be the name of an environment variable`)
    const quote = value[0]
    if (quote !== '"' && quote !== "'" && quote !== '`') continue
    if (value.indexOf(quote, 1) !== -1) continue
    const start = at
    do at++
    while (at < lines.length && !(lines[at] ?? '').includes(quote))
    if (at >= lines.length) throw fail(start + 1, `the quote (${quote}) is never closed`)
  }
}
