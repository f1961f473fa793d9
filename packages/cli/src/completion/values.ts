import {errorCategories} from '@cgpu/core/errors'
import {executionStatuses} from '@cgpu/core/history/entry'
import type {Candidate, CommandEntry, Completion, CompletionSources, Directive, FlagEntry} from './types.ts'

/** A shell waits for no longer than this for what is looked up. */
export const LIVE_BUDGET_MS = 1000

/** The answer, or nothing when it fails or takes too long. */
export async function timely(answer: Promise<Candidate[]>, ms = LIVE_BUDGET_MS): Promise<Candidate[]> {
  const {promise: tooLate, resolve} = Promise.withResolvers<Candidate[]>()
  const timer = setTimeout(() => resolve([]), ms)
  try {
    return await Promise.race([answer.catch(() => []), tooLate])
  } finally {
    clearTimeout(timer)
  }
}

const only = (candidates: Candidate[], ...directives: Directive[]): Completion => ({candidates, directives})
const options = (values: readonly string[]): Candidate[] => values.map((value) => ({value}))
const unique = (candidates: readonly Candidate[]): Candidate[] => candidates.filter(({value}, i) => candidates.findIndex((one) => one.value === value) === i)
type Given = ReadonlyMap<string, string | undefined>

/** Values of a flag: its own options, else by its name, else by what its help calls the value. */
export async function flagValues({flag, command, given}: {flag: FlagEntry; command: CommandEntry | undefined; given: Given}, sources: CompletionSources): Promise<Completion> {
  if (flag.options) return only(options(flag.options))
  if (command?.id === 'shell' && flag.name === 'kill') return only(await timely(sources.terminals(given.get('runtime'))))
  switch (flag.name) {
    case 'runtime': return only(await timely(sources.runtimes()))
    case 'provider': return only(await timely(sources.providers()))
    case 'profile': return only(await timely(sources.profiles()))
    case 'account': return only(await timely(sources.accounts()))
    case 'secret': return only(await timely(sources.secrets()))
    case 'category': return only(options(errorCategories))
    case 'status': return only(options(executionStatuses))
    case 'scopes': return only(options(['drive', 'drive.file', 'drive.readonly']))
    case 'kernel': return only(unique([...(await timely(sources.runningKernels(given.get('runtime')))), ...(await timely(sources.kernels(given.get('runtime'))))]))
    case 'session': return only(await timely(sources.terminals(given.get('runtime'))))
    case 'spec': return only(await timely(sources.kernels(given.get('runtime'))))
    case 'gpu':
    case 'tpu': return only(await timely(sources.accelerators(flag.name, given.get('provider'))))
  }
  if (flag.helpValue === 'DIR') return only([], 'dirs')
  if (flag.helpValue === 'FILE' || flag.helpValue === 'PATH' || flag.helpValue === 'GLOB') return only([], 'files')
  return only([])
}

export interface ArgumentPosition {
  command: CommandEntry
  positionals: readonly string[]
  current: string
  given: Given
  commands: readonly CommandEntry[]
}

const takesRuntimes = new Set([
  'code', 'jupyter:proxy', 'lab', 'port:connect', 'port:forward', 'port:list', 'repl', 'runtime:adopt', 'runtime:show', 'runtime:release', 'runtime:rename', 'runtime:url', 'runtime:use',
  'runtime:ensure', 'shell', 'ssh',
])

/** What is looked up is looked up on the runtime that was named, as a flag or as the first argument. */
export function withRuntime(given: Given, command: CommandEntry | undefined, [first]: readonly string[]): Given {
  return command && first !== undefined && !given.has('runtime') && takesRuntimes.has(command.id) ? new Map([...given, ['runtime', first]]) : given
}

/** Values of a positional argument. */
export async function argumentValues({command, positionals, current, commands, given}: ArgumentPosition, sources: CompletionSources): Promise<Completion> {
  const {id} = command
  const at = positionals.length
  const own = command.argOptions[at]
  if (own) return only(options(own))
  if (takesRuntimes.has(id) && (at === 0 || id === 'runtime:release')) {
    return only((await timely(sources.runtimes())).filter(({value}) => !positionals.includes(value)))
  }
  if (/^(job:(attach|cancel|logs|move|retry|rm|show|wait)|why)$/.test(id) && (at === 0 || !command.strict)) {
    return only((await timely(sources.jobs())).filter(({value}) => !positionals.includes(value)))
  }
  if (id === 'port:close') return only((await timely(sources.forwards())).filter(({value}) => !positionals.includes(value)))
  if (/^schedule:(logs|pause|resume|rm|run|show)$/.test(id) && (at === 0 || !command.strict)) {
    return only((await timely(sources.schedules())).filter(({value}) => !positionals.includes(value)))
  }
  if (/^kernel:(attach|interrupt|restart|show|shutdown)$/.test(id) && (at === 0 || !command.strict)) {
    return only((await timely(sources.runningKernels(given.get('runtime')))).filter(({value}) => !positionals.includes(value)))
  }
  if (id === 'kernel:start' && at === 0) return only(await timely(sources.kernels(given.get('runtime'))))
  if (/^auth:(logout|switch)$/.test(id) && at === 0) return only(await timely(sources.accounts()))
  if (/^secret:(delete|set)$/.test(id) && at === 0) return only(await timely(sources.secrets()))
  if (id === 'history:export' || (/^history:(diff|rerun|show)$/.test(id) && at < (id === 'history:diff' ? 2 : 1))) {
    return only((await timely(sources.executions())).filter(({value}) => !positionals.includes(value)))
  }
  if (/^config:(get|set|unset)$/.test(id) && at === 0) return only(await timely(sources.settings()))
  if (id === 'config:set' && at === 1) return only(await timely(sources.settingValues(positionals[0]!)))
  if (id === 'schema') return only(nextWords(await timely(sources.schemas()), positionals))
  if (id === 'help') return only(nextWords([...commands.map(({name: value, summary: description}) => ({value, description})), {value: 'exit-codes'}], positionals))
  if (id === 'cp') return places(current, sources, 'files')
  if (id.startsWith('fs:') && (at === 0 || !command.strict)) return places(current, sources)
  return command.remoteArgs ? only([], 'files') : only([])
}

/** Of names with several words, the next word behind those that stand there. */
function nextWords(names: readonly Candidate[], before: readonly string[]): Candidate[] {
  return names.flatMap(({value, description}) => {
    const words = value.split(' ')
    const word = words[before.length]
    if (word === undefined || !before.every((one, i) => words[i] === one)) return []
    return [{value: word, description: words.length === before.length + 1 ? description : undefined}]
  })
}

/** NAME:PATH on a runtime; with `files`, or a local path. */
async function places(current: string, sources: CompletionSources, ...local: Directive[]): Promise<Completion> {
  const [, runtime, path = ''] = /^([a-z0-9][a-z0-9-]*):(.*)$/s.exec(current) ?? []
  if (runtime === undefined) {
    const runtimes = /[/.\\]/.test(current) ? [] : await timely(sources.runtimes())
    return only(runtimes.map(({value, description}) => ({value: `${value}:`, description})), ...local)
  }
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const entries = await timely(sources.remoteEntries(runtime, folder))
  return only(entries.map(({value, description}) => ({value: `${runtime}:${folder}${value}`, description})))
}
