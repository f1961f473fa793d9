import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {errors, ExitCode} from '@cgpu/core/errors'
import {newRunId} from '@cgpu/core/execution/id'
import type {JobOutcome} from '@cgpu/core/execution/job'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {checkTerminalName, type Terminal, Terminals} from '@cgpu/core/terminals/terminals'
import {type ExecutionRequest, withEnv, withExecution} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../flags.ts'
import {begunShell} from '../history/begun.ts'
import {terminalsTable} from '../render/terminals.ts'
import {StreamCommand} from '../run/stream-command.ts'
import type {Captured} from '../stream/capture-sink.ts'
import {argvOf, runCommand} from '../terminal/command.ts'
import {parseKeys} from '../terminal/detach-keys.ts'
import {itemOf, type TerminalItem} from '../terminal/item.ts'
import {Visit} from '../terminal/visit.ts'

/** A visit of a terminal. */
interface Visited {
  id: string
  name: string
  runtime: string
  state: 'exited' | 'detached'
  exitStatus: number | null
  signal: string | null
}

/** A command without a terminal. */
type Commanded = Pick<JobOutcome, 'id' | 'exitStatus' | 'signal'> & {runtime: string; durationSeconds: number} & Partial<Captured>

type ShellResult = Visited | Commanded | TerminalItem[] | TerminalItem

interface ShellFlags {
  [name: string]: unknown
  attach?: boolean | undefined
  'detach-keys': string
  raw?: boolean | undefined
  session?: string | undefined
  tty?: boolean | undefined
}

const group = {helpGroup: 'TERMINAL'}

/** An interactive terminal on a runtime, or a command there. */
export default class Shell extends StreamCommand<ShellResult> {
  static override args = {runtime: stringArg({description: 'name of the runtime, or a unique beginning of it'})}
  static override description = `Opens a terminal on the runtime. It lives there: it goes on when it is left with Ctrl-] d, when the link is cut or when this command is killed, and is shown again as it was, by its name or with --attach. Several may be open, and several may look at one.

With a command behind -- that one runs instead of the login shell: one word is a line of the shell, several are a program and its arguments. It gets a terminal when stdin and stdout are terminals; else its stdout and stderr stay apart and its stdin is what is piped in.

Titles, the clipboard, notifications and the like are kept from the local terminal, unless --raw is given.

Exit status: that of the shell or command (128+n when signal n killed it); 0 when it was left running.`
  static override examples = [
    {command: '<%= config.bin %> shell', description: 'a new terminal; Ctrl-] d leaves it running'},
    {command: '<%= config.bin %> shell trainer --session work', description: 'the terminal "work" on the runtime trainer, opened where there is none'},
    {command: '<%= config.bin %> shell -- df -h .', description: 'run a command and end with its status'},
    {command: 'echo "print(6 * 7)" | <%= config.bin %> shell -- python3 -', description: 'the same with a piped stdin: prints 42'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...withEnv({
      attach: boolean({...group, char: 'a', summary: 'show the terminal again that was used last, and that nobody looks at', exclusive: ['session', 'list', 'kill']}),
      'detach-keys': string({...group, summary: 'the keys that leave it running, or none', helpValue: 'KEYS', default: 'ctrl-],d'}),
      kill: string({...group, char: 'k', summary: 'end this terminal and what runs in it', helpValue: 'NAME', exclusive: ['list', 'session']}),
      list: boolean({...group, char: 'l', summary: 'list the terminals that are open', exclusive: ['session']}),
      raw: boolean({...group, summary: 'let remote programs set titles and the clipboard'}),
      session: string({...group, char: 's', summary: 'the terminal of this name; opened where there is none', helpValue: 'NAME'}),
      tty: boolean({...group, char: 't', allowNo: true, summary: 'give a command a terminal, or none, whatever stdin is'}),
    }),
  }
  static override seeAlso = ['run', 'exec', 'runtime list']
  static override summary = 'open a terminal on a runtime'
  static override usage = ['shell [NAME] [FLAGS]', 'shell [NAME] [FLAGS] -- COMMAND…']

  #visiting = false

  async run(): Promise<ShellResult> {
    const separator = this.argv.indexOf('--')
    const command = separator === -1 ? [] : this.argv.slice(separator + 1)
    const own = separator === -1 ? this.argv : this.argv.slice(0, separator)
    const {args, flags} = await this.parse(Shell, own)
    // its variable gives way to a name
    if (args.runtime !== undefined && own.some((token) => /^(-r|--runtime(=|$))/.test(token))) {
      throw errors.usage('two runtimes are named', {code: 'USAGE', fix: `cgpu shell ${args.runtime}`})
    }
    const keys = parseKeys(flags['detach-keys'])
    for (const name of [flags.session, flags.kill]) if (name !== undefined) checkTerminalName(name)
    const argv = separator === -1 ? undefined : argvOf(command)
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(args.runtime ?? flags.runtime)
    if (flags.list) return this.#list(cgpu, record)
    if (flags.kill !== undefined) return this.#kill(cgpu, record, flags.kill)
    const named = flags.session !== undefined || flags.attach === true
    const tty = !this.jsonEnabled() && (flags.tty ?? ((process.stdin.isTTY && process.stdout.isTTY) || (named && argv === undefined)))
    if (!tty && (named || flags.tty)) throw errors.usage('a terminal has no JSON, and a name only a terminal', {code: 'USAGE', fix: 'leave --json and --no-tty out; or give a command alone: cgpu shell --json -- COMMAND'})
    return tty ? this.#visit(cgpu, record, {flags, keys, command, argv}) : this.#command(cgpu, record, {flags, command, argv: argv ?? argvOf([])})
  }

  async #visit(
    cgpu: Cgpu, record: RuntimeRecord,
    {flags, keys, command, argv}: {flags: ShellFlags; keys: ReturnType<typeof parseKeys>; command: string[]; argv: string[] | undefined},
  ): Promise<Visited> {
    const abort = this.abortOnSignals()
    let visit: Visit | undefined
    const session = await cgpu.connect(record, {signal: abort.signal, onLink: (state) => visit?.onLink(state)})
    const {name: runtime} = record
    try {
      const visited = await this.#recorded(cgpu, record, {flags, command}, async (env, id) => {
        const {terminal, attached} = await this.#terminal(new Terminals(session), {flags, argv, env})
        if (attached && argv) this.warn(`the terminal ${terminal.name} was there before, and the command was not started`)
        this.#greet(terminal, runtime, {attached, keys})
        visit = new Visit(session, terminal, {keys, raw: flags.raw === true, quiet: this.quiet})
        const showing = visit
        abort.dispose()
        this.#visiting = true
        const end = await this.interruptible(showing.run(), {leave: () => `the terminal ${terminal.name} goes on on ${runtime}`}).catch(async (error: unknown) => {
          await showing.leave()
          if (process.stdout.isTTY) process.stderr.write('\r\n') // the remote program's line may not be at its end
          throw error
        }).finally(() => (this.#visiting = false))
        this.#sayEnd(terminal, runtime, end)
        return {id, name: terminal.name, runtime, state: end ? 'exited' as const : 'detached' as const, exitStatus: end?.exitStatus ?? null, signal: end?.signal ?? null}
      }, ({exitStatus}) => exitStatus ?? ExitCode.ok)
      this.exitWith(visited.exitStatus ?? ExitCode.ok)
      return visited
    } finally {
      abort.dispose()
      process.stdin.destroy() // a terminal that nobody types on would keep the process alive
      await session.close()
    }
  }

  async #terminal(terminals: Terminals, {flags, argv, env}: {flags: ShellFlags; argv: string[] | undefined; env: Record<string, string>}): Promise<{attached: boolean; terminal: Terminal}> {
    if (flags.attach) {
      const all = (await terminals.list()).toSorted((a, b) => a.idleSeconds - b.idleSeconds)
      const terminal = all.find(({clients}) => clients === 0) ?? all[0]
      if (!terminal) throw errors.notFound('no terminal is open', {code: 'TERMINAL_NOT_FOUND', fix: 'cgpu shell'})
      return {attached: true, terminal}
    }
    const {TERM: term = '', COLORTERM: colours} = process.env
    const {columns, rows} = process.stdout
    return terminals.open({
      name: flags.session, argv, term, size: {rows: rows || 24, cols: columns || 80}, env: {...(colours === undefined ? {} : {COLORTERM: colours}), ...env},
    })
  }

  #greet({name}: Terminal, runtime: string, {attached, keys}: {attached: boolean; keys: ReturnType<typeof parseKeys>}): void {
    const leave = keys ? `; ${keys.map(({shown}) => shown).join(' ')} leaves it running` : ''
    this.notice(`terminal ${name} on ${runtime}${attached ? ', as it was' : ''}${leave}`)
  }

  #sayEnd({name}: Terminal, runtime: string, end: {killed: boolean; signal: string | null} | undefined): void {
    if (process.stdout.isTTY && (!end || end.killed) && !this.quiet) process.stderr.write('\r\n') // the remote program's line may not be at its end
    if (!end) this.notice(`the terminal goes on; see it again: cgpu shell ${runtime} --session ${name}`)
    else if (end.killed) this.notice(`the terminal ${name} on ${runtime} was ended`)
  }

  async #command(cgpu: Cgpu, record: RuntimeRecord, {flags, command, argv}: {flags: ShellFlags; command: string[]; argv: string[]}): Promise<Commanded> {
    const sink = await this.sink({output: undefined, imageDir: '.'})
    const abort = this.abortOnSignals()
    const session = await cgpu.connect(record, {
      signal: abort.signal, onLink: (state, reason) => void sink.onEvent(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}),
    })
    try {
      const outcome = await this.#recorded(cgpu, record, {flags, command}, (env, id) => {
        abort.dispose()
        return runCommand(session, {id, argv, env, sink, interruptible: (work, how) => this.interruptible(work, how)})
      }, ({exitStatus}) => exitStatus)
      const {id, exitStatus, signal, durationMs} = outcome
      await sink.end({id, exitStatus, durationSeconds: durationMs / 1000})
      const result: Commanded = {id, runtime: record.name, exitStatus, signal, durationSeconds: durationMs / 1000, ...sink.captured?.()}
      if (exitStatus !== 0 && this.jsonEnabled()) this.failWith(exitStatus, `the command ended with status ${exitStatus}`, 'PROGRAM_FAILED', {...result})
      this.exitWith(exitStatus)
      return result
    } finally {
      abort.dispose()
      process.stdin.destroy()
      await session.close()
    }
  }

  /** What plugins and the history learn: the command, and nothing of what is typed or shown. */
  async #recorded<R extends {exitStatus: number | null; signal: string | null}>(
    cgpu: Cgpu, {id: runtimeId, name, provider, ...more}: RuntimeRecord, {flags, command}: {flags: ShellFlags; command: string[]},
    work: (env: Record<string, string>, id: string) => Promise<R>, exitStatus: (result: R) => number,
  ): Promise<R> {
    const request: ExecutionRequest = {id: newRunId(), kind: 'shell', argv: command, runtime: {id: runtimeId, name, provider}, envNames: []}
    const begun = begunShell(request, {id: runtimeId, name, provider, ...more}, command, flags)
    return this.recorded(cgpu, begun, () => withExecution(this, request, {}, (env) => work(env, request.id), (result) => (result.exitStatus === null ? undefined : {...result, exitStatus: result.exitStatus})), (result) => ({exitStatus: exitStatus(result)}))
  }

  async #list(cgpu: Cgpu, record: RuntimeRecord): Promise<TerminalItem[]> {
    const items = await this.#with(cgpu, record, async (terminals) => (await terminals.list()).map((one) => itemOf(one, record.name)))
    if (items.length === 0) this.notice(`no terminal is open on ${record.name}; open one: cgpu shell ${record.name}`)
    else this.log(terminalsTable(items, Date.now()))
    return items
  }

  async #kill(cgpu: Cgpu, record: RuntimeRecord, name: string): Promise<TerminalItem> {
    return this.#with(cgpu, record, async (terminals) => {
      const found = await terminals.find(name)
      await terminals.kill(found.id)
      this.notice(`ended the terminal ${found.name} on ${record.name}`)
      return itemOf(found, record.name)
    })
  }

  async #with<R>(cgpu: Cgpu, record: RuntimeRecord, work: (terminals: Terminals) => Promise<R>): Promise<R> {
    const abort = this.abortOnSignals()
    const session = await cgpu.connect(record, {signal: abort.signal})
    try {
      return await work(new Terminals(session))
    } finally {
      abort.dispose()
      await session.close()
    }
  }

  /** On the terminal that is shown nothing else may be written. */
  protected override trace(message: string): void {
    if (!this.#visiting || !process.stderr.isTTY) super.trace(message)
  }

  protected override get carriesCode(): boolean {
    return true
  }
}
