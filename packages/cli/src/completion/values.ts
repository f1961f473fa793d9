import {errorCategories} from '@cgpu/core/errors'
import {executionStatuses} from '@cgpu/core/history/entry'
import {patienceMs} from './patience.ts'
import type {Position} from './position.ts'
import type {Candidate, CommandEntry, Completion, CompletionSources, Directive, FlagEntry} from './types.ts'

/** The answer, or nothing when it fails or takes too long. */
export async function timely(answer: Promise<Candidate[]>, ms = patienceMs): Promise<Candidate[]> {
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

/** The runtime that a command is told to work on: by its flag, or by its first argument where that names one. */
function runtimeOf({given, positionals, command}: Pick<Position, 'given' | 'positionals' | 'command'>): string | undefined {
  return given.get('runtime')?.at(-1) ?? (command && takesRuntime.has(command.id) ? positionals[0] : undefined)
}

/** Values of a flag: its own options, else by its name, else by what its help calls the value. */
export async function flagValues(flag: FlagEntry, position: Position, sources: CompletionSources): Promise<Completion> {
  if (flag.options) return only(options(flag.options))
  const runtime = runtimeOf(position)
  switch (flag.name) {
    case 'runtime': return only(await timely(sources.runtimes()))
    case 'version': return only(position.command?.id === 'update' ? await timely(sources.versions()) : [])
    case 'provider': return only(await timely(sources.providers()))
    case 'profile': return only(await timely(sources.profiles()))
    case 'account': return only(await timely(sources.accounts()))
    case 'secret': return only(await timely(sources.secrets()))
    case 'category': return only(options(errorCategories))
    case 'status': return only(options(executionStatuses))
    case 'scopes': return only(options(['drive', 'drive.file', 'drive.readonly']))
    case 'timezone': return only(options(Intl.supportedValuesOf('timeZone')))
    case 'kernel': return only(unique((await Promise.all([timely(sources.kernels(runtime)), timely(sources.specs(runtime))])).flat()))
    case 'spec': return only(await timely(sources.specs(runtime)))
    case 'session':
    case 'kill': return only(position.command?.id === 'shell' ? await timely(sources.terminals(runtime)) : [])
    case 'gpu':
    case 'tpu': return only(await timely(sources.accelerators(flag.name, position.given.get('provider')?.at(-1))))
  }
  if (flag.helpValue === 'DIR') return only([], 'dirs')
  if (flag.helpValue === 'FILE' || flag.helpValue === 'PATH' || flag.helpValue === 'GLOB') return only([], 'files')
  return only([])
}

export interface ArgumentPosition extends Position {
  command: CommandEntry
  current: string
  commands: readonly CommandEntry[]
}

/** whose first argument is a runtime's name */
const takesRuntime = new Set([
  'code', 'jupyter:proxy', 'lab', 'port:connect', 'port:forward', 'port:list', 'repl', 'runtime:adopt', 'runtime:ensure', 'runtime:release', 'runtime:rename', 'runtime:show', 'runtime:url', 'runtime:use',
  'shell', 'ssh', 'ssh:config',
])
const takesRuntimes = new Set(['runtime:release', 'ssh:config'])
const takesPlugins = /^plugins:(uninstall|unlink|remove|update|info|inspect|verify|trust)$/

/** Values of a positional argument. */
export async function argumentValues(position: ArgumentPosition, sources: CompletionSources): Promise<Completion> {
  const {command, positionals, current, commands} = position
  const {id} = command
  const at = positionals.length
  const own = command.argOptions[at]
  if (own) return only(options(own))
  const others = async (answer: Promise<Candidate[]>): Promise<Completion> => only((await timely(answer)).filter(({value}) => !positionals.includes(value)))
  const first = at === 0 || !command.strict
  if (takesRuntimes.has(id) || (takesRuntime.has(id) && at === 0)) return others(sources.runtimes())
  if (/^(job:(attach|cancel|logs|move|retry|rm|show|wait)|why)$/.test(id) && first) return others(sources.jobs(current, /^job:(attach|cancel|wait)$/.test(id) ? 'open' : 'all'))
  if (/^schedule:(logs|pause|resume|rm|run|show)$/.test(id) && first) return others(sources.schedules())
  if (/^kernel:(attach|interrupt|restart|show|shutdown)$/.test(id) && first) return others(sources.kernels(runtimeOf(position)))
  if (id === 'kernel:start' && at === 0) return only(await timely(sources.specs(runtimeOf(position))))
  if (/^auth:(logout|switch)$/.test(id) && at === 0) return only(await timely(sources.accounts()))
  if (/^secret:(delete|set)$/.test(id) && at === 0) return only(await timely(sources.secrets()))
  if (id === 'history:export' || (/^history:(diff|rerun|show)$/.test(id) && at < (id === 'history:diff' ? 2 : 1))) return others(sources.executions())
  if (id === 'port:close') return others(sources.forwards())
  if (/^version:(remove|use)$/.test(id) && at === 0) return only(await timely(sources.versions()))
  if (takesPlugins.test(id) && first) return others(sources.plugins())
  if (/^plugins:(link|publish)$/.test(id) && at === 0) return only([], 'dirs')
  if (/^config:(get|set|unset)$/.test(id) && at === 0) return only(await timely(sources.settings()))
  if (id === 'config:set' && at === 1) return only(await timely(sources.settingValues(positionals[0]!)))
  if (id === 'schema') return only(nextWords(await timely(sources.schemas()), positionals))
  if (id === 'help') return only(nextWords([...commands.map(({name: value, summary: description}) => ({value, description})), {value: 'exit-codes'}], positionals))
  if (/^notebook:(copy|delete|get|open|rename|share|trash)$/.test(id) && at === 0) return only(await timely(sources.notebooks()))
  if (id === 'notebook:put') return at === 0 ? only([], 'files') : only(await timely(sources.notebooks()))
  if (id === 'cp') return places(current, sources, true)
  if (id.startsWith('fs:') && first) return position.given.has('runtime') ? remotePaths(runtimeOf(position), '', current, sources) : places(current, sources, false)
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

/** NAME:PATH on a runtime, or a path: with `local` one here, else one on the usual runtime. */
async function places(current: string, sources: CompletionSources, local: boolean): Promise<Completion> {
  const [, runtime, path = ''] = /^([a-z0-9][a-z0-9-]*):(.*)$/s.exec(current) ?? []
  if (runtime !== undefined) return remotePaths(runtime, `${runtime}:`, path, sources)
  const runtimes = /[/.\\~]/.test(current) ? [] : (await timely(sources.runtimes())).filter(({value}) => value.startsWith(current))
  // shells complete paths better than we do, but only where there is nothing else
  if (runtimes.length === 0) return local ? only([], 'files') : remotePaths(undefined, '', current, sources)
  const here = local ? await timely(sources.localEntries()) : []
  return only([...runtimes.map(({value, description}) => ({value: `${value}:`, description})), ...here.filter(({value}) => current !== '' || !value.startsWith('.'))])
}

async function remotePaths(runtime: string | undefined, prefix: string, path: string, sources: CompletionSources): Promise<Completion> {
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const beginning = path.slice(folder.length)
  const hidden = beginning.startsWith('.')
  const entries = await timely(sources.entries(runtime, folder, beginning))
  return only(entries.filter(({value}) => hidden || !value.startsWith('.')).map(({value, description}) => ({value: `${prefix}${folder}${value}`, description})))
}
