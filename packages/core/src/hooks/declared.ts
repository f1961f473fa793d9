import {sanitizeLine} from '../text/line.ts'
import {isObject, isStringRecord} from '../state/json.ts'

/** Events that a project's hooks may answer. */
export const projectEvents = [
  'execution:before', 'execution:after', 'job:ended', 'runtime:before-create', 'runtime:after-create', 'runtime:before-release', 'runtime:after-release',
  'notebook:before', 'notebook:after', 'cell:before', 'cell:after',
] as const
export type ProjectEvent = (typeof projectEvents)[number]

export const isProjectEvent = (event: string): event is ProjectEvent => (projectEvents as readonly string[]).includes(event)

/** A hook of a project file: a program that gets the event on stdin, or an address that gets it by POST. */
export type DeclaredHook = {event: ProjectEvent; timeoutMs: number} & (
  /** a line for the shell, or a program and its arguments */
  | {run: string | string[]}
  /** values of headers may hold `${NAME}`, a variable of the environment */
  | {url: string; headers: Record<string, string>}
)

const defaultSeconds = 2
const maxSeconds = 60

/**
 * Reads `hooks:` of a project file: a map of events, each with one hook or a list of them. Throws an Error that says what is wrong,
 * and of which event.
 */
export function parseHooks(value: unknown): DeclaredHook[] {
  if (!isObject(value)) throw new Error('"hooks" must be a group of events')
  return Object.entries(value).flatMap(([event, given]) => {
    if (!isProjectEvent(event)) throw new Error(`"hooks" knows no event "${sanitizeLine(event, 60)}": choose one of ${projectEvents.join(', ')}`)
    return [given].flat().map(one => parseHook(event, one))
  })
}

function parseHook(event: ProjectEvent, given: unknown): DeclaredHook {
  const wrong = (what: string): Error => new Error(`a hook of ${event} ${what}`)
  if (!isObject(given)) throw wrong('must say "run" or "url"')
  const {run, url, headers = {}, timeout = defaultSeconds, ...more} = given
  const [unknown] = Object.keys(more)
  if (unknown !== undefined) throw wrong(`knows no "${sanitizeLine(unknown, 60)}"`)
  if (typeof timeout !== 'number' || !(timeout > 0 && timeout <= maxSeconds)) throw wrong(`needs a "timeout" in seconds, at most ${maxSeconds}`)
  const timeoutMs = timeout * 1000
  if ((run === undefined) === (url === undefined)) throw wrong('must say either "run" or "url"')
  if (run !== undefined) {
    if (given['headers'] !== undefined) throw wrong('has "headers" without "url"')
    if (typeof run === 'string' && run.trim() !== '') return {event, timeoutMs, run}
    if (Array.isArray(run) && run.length > 0 && run.every((one): one is string => typeof one === 'string')) return {event, timeoutMs, run}
    throw wrong('needs a line or a list of words in "run"')
  }
  if (typeof url !== 'string' || !isSafe(url)) throw wrong('needs an https address in "url" (http only on this computer)')
  if (!isStringRecord(headers)) throw wrong('needs text in "headers"')
  return {event, timeoutMs, url, headers}
}

function isSafe(text: string): boolean {
  if (!URL.canParse(text)) return false
  const {protocol, hostname} = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname))
}

/** For people: `execution:before: ./check.sh`. */
export function describeHook(hook: DeclaredHook): string {
  const what = 'run' in hook ? (typeof hook.run === 'string' ? hook.run : hook.run.map(word => (/^[\w./:=@%+-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')) : `POST ${hook.url}`
  return sanitizeLine(`${hook.event}: ${what}`, 500)
}
