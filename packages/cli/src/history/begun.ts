import type {ExecRequest} from '@cgpu/core/execution/exec'
import type {RunRequest} from '@cgpu/core/execution/plan'
import type {BeginFields, ExecutionKind, HistoryCommand} from '@cgpu/core/history/entry'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {ExecutionRequest, KernelRequest} from '@cgpu/plugin-sdk'
import type {ChosenRuntime} from '../run/acquire.ts'

/** What a command tells the history of an execution that it begins. */
export interface Begun {
  request: ExecutionRequest
  /** where the history tells more than plugins are told */
  kind?: ExecutionKind
  /** the machine, once it is known: to be filled in before the execution's `started` */
  on?: RuntimeRecord | undefined
  /** the machine that is wished for, where one may be made */
  wish?: ChosenRuntime['wish']
  /** local folder; absent: this process's */
  cwd?: string
  command: HistoryCommand
  /** flags that a rerun gives again; of variables the names only */
  given: NonNullable<BeginFields['given']>
  packages?: string[] | undefined
  requirements?: string | undefined
  outputs?: string[] | undefined
  /** values, which are only here to be taken out of what is kept */
  env?: Readonly<Record<string, string>>
  secrets?: Readonly<Record<string, string>>
}

type Flags = Readonly<Record<string, unknown>>

const execFlags = ['account', 'kernel', 'new-kernel', 'output-dir', 'secret', 'timeout']
const runFlags = [
  'account', 'allow-downgrade', 'checkpoint', 'cwd', 'env-file', 'include', 'keep', 'lease', 'max-restarts', 'output-dir', 'outputs', 'packages', 'requirements',
  'resume-cmd', 'secret', 'wait',
]

/** Of code for a kernel. `file`: where it was read from. */
export function begunExec(request: ExecutionRequest, on: RuntimeRecord, {code}: Pick<ExecRequest, 'code'>, flags: Flags, secrets: Begun['secrets'] = {}): Begun {
  const {file} = flags
  return {request, on, command: {code, ...(typeof file === 'string' ? {file} : {})}, given: chosen(flags, execFlags), secrets}
}

/** Of a notebook on a kernel of its own: `args` are flags that run it again. */
export function begunNotebook(request: ExecutionRequest, on: RuntimeRecord, {file, args}: NonNullable<KernelRequest['notebook']>, {code, account, secrets}: {code: string; account: string | undefined; secrets: Begun['secrets']}): Begun {
  return {request, kind: 'notebook', on, command: {notebook: file, args: [...args], code}, given: chosen({account}, ['account']), secrets: secrets ?? {}}
}

/** Of a visit of a terminal, or of a command given to it: never what was typed. */
export function begunShell(request: ExecutionRequest, on: RuntimeRecord, command: string[], flags: Flags): Begun {
  return {request, on, command: {argv: command}, given: chosen(flags, ['account', 'session'])}
}

/** Of a program. */
export function begunRun(request: ExecutionRequest, {there: on, wish}: ChosenRuntime, run: RunRequest, flags: Flags, secrets: Begun['secrets'] = {}): Begun {
  const {script, command, packages, requirements, outputs, env} = run
  const names = [flags['env'] ?? []].flat().flatMap((one) => (typeof one === 'string' ? one.split('=', 1) : []))
  return {
    request, on, wish, packages, requirements, outputs, env, secrets,
    command: script ? {script: script.path, args: script.args} : {argv: command ?? []},
    given: {...(names.length > 0 ? {env: [...new Set(names)]} : {}), ...chosen(flags, runFlags)},
  }
}

function chosen(flags: Flags, names: readonly string[]): Begun['given'] {
  return Object.fromEntries(names.flatMap((name): [string, string | boolean | string[]][] => {
    const value = flags[name]
    if (typeof value === 'string' || value === true) return [[name, value]]
    if (typeof value === 'number') return [[name, String(value)]]
    return Array.isArray(value) ? [[name, value.filter((one) => typeof one === 'string')]] : []
  }))
}
