import {string as stringArg} from '@oclif/core/args'
import {boolean} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import type {HistoryEntry} from '@cgpu/core/history/entry'
import {findEntry} from '@cgpu/core/history/find'
import {rerunLine, type RerunPlan, rerunPlan} from '@cgpu/core/history/rerun'
import {HistoryStore} from '@cgpu/core/history/store'
import {requestedAccelerators} from '@cgpu/core/runtime/spec'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type CgpuCommand, warnEarly, withEnv} from '@cgpu/plugin-sdk'
import {runtimeFlag} from '../../flags.ts'
import {sha256Of} from '../../history/describe.ts'
import {WorkCommand} from '../../work-command.ts'

/** With `--dry-run`; else the answer is that of the exec or run itself. */
interface Planned {
  id: string
  line: string
}

/** Does an execution again. */
export default class HistoryRerun extends WorkCommand<Planned | undefined> {
  static override args = {id: stringArg({description: 'its id, or a unique beginning of it; default: the newest'})}
  static override description = 'With the same code or arguments, packages and outputs, in the same local folder, on the same runtime, or a new one like it when that is gone. Values of variables are not in the history: they are taken from here. A script is read again from where it was.\n\nPrints and ends as the exec or run itself.'
  static override examples = [
    {command: '<%= config.bin %> history rerun 0mibvu0c4-5f1e0a9b3c --dry-run', description: 'the command that would do it again'},
    {command: '<%= config.bin %> history rerun 0mibvu0c4-5f1e0a9b3c -r trainer', description: 'do it again, on trainer'},
  ]
  // a notebook's command is a plugin's
  static override fullConfig = true
  static override flags = {...runtimeFlag, ...withEnv({'dry-run': boolean({summary: 'print the command only'})})}
  static override seeAlso = ['history show', 'history diff']
  static override summary = 'do an execution again'
  #handedOver = false

  async run(): Promise<Planned | undefined> {
    const {args, flags} = await this.parse(HistoryRerun)
    const {configDir, dataDir, cacheDir} = this.config
    const {folder} = new HistoryStore(resolveDirs(process.env, {configDir, dataDir, cacheDir}).state)
    const entry = findEntry(folder, args.id)
    const cgpu = await this.open(flags)
    const plan = rerunPlan(entry, {runtime: await this.#runtime(cgpu, entry, flags.runtime), env: process.env})
    const {file} = plan
    const changed = file?.sha256 !== undefined && (await sha256Of(file.path)) !== file.sha256
    // given out by whichever command answers
    if (changed) (flags['dry-run'] ? (message: string) => void this.warn(message) : warnEarly)(`${sanitizeLine(file.path)} is not as it was then`)
    if (!flags['dry-run']) return this.#do(cgpu, plan)
    const line = rerunLine(plan, process.cwd())
    this.log(line)
    return {id: entry.id, line}
  }

  /** The machine that is named, or the one it ran on; undefined: that is gone. */
  async #runtime({runtimes}: Cgpu, entry: HistoryEntry, named: string | undefined): Promise<string | undefined> {
    if (named !== undefined) return (await runtimes.select(named)).name
    const record = (await runtimes.remembered()).find(({id}) => id === entry.runtime?.id)
    const found = record && (await (await runtimes.provider(record.provider)).get(record.providerId))
    return found ? record.name : undefined
  }

  async #do(cgpu: Cgpu, {command, argv, cwd, ensure}: RerunPlan): Promise<undefined> {
    if (ensure) await this.#ensure(cgpu, ensure)
    try {
      process.chdir(cwd)
    } catch (error) {
      throw errors.notFound(`the folder ${sanitizeLine(cwd)} is gone`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'make it again, or see the command with --dry-run and change it', cause: error})
    }
    const Again = command === 'exec' ? (await import('../exec.ts')).default : command === 'run' ? (await import('../run.ts')).default : await this.#ofPlugin(command)
    const own = [...(this.jsonEnabled() ? ['--json'] : []), ...(this.quiet ? ['--quiet'] : []), ...(this.verbose ? ['--verbose'] : [])]
    const again = new Again([...own, ...argv], this.config)
    again.id = this.id
    // from here on it is the other command that answers
    this.#handedOver = true
    await again.execute()
  }

  async #ofPlugin(command: string): Promise<new (argv: string[], config: HistoryRerun['config']) => CgpuCommand> {
    const found = this.config.findCommand(command.replaceAll(' ', ':'))
    if (!found) throw errors.notFound(`cgpu ${command} is not here`, {code: 'UNKNOWN_COMMAND', category: 'plugin', fix: `install the plugin that has it: cgpu plugins install @cgpu/plugin-${command.split(' ', 1)[0]}`})
    return await found.load() as unknown as new (argv: string[], config: HistoryRerun['config']) => CgpuCommand // as every command of ours
  }

  async #ensure(cgpu: Cgpu, {name, spec}: NonNullable<RerunPlan['ensure']>): Promise<void> {
    const {provider = 'local', gpu, tpu, image} = spec
    const [accelerator = {kind: 'cpu'} as const] = requestedAccelerators({gpu, tpu})
    const abort = this.abortOnSignals()
    try {
      const {created} = await cgpu.runtimes.ensure(
        {name, provider, spec: {accelerator, ...(spec['high-ram'] ? {highRam: true} : {}), ...(image === undefined ? {} : {image})}},
        {signal: abort.signal},
      )
      if (created) this.notice(`made ${name}, as the former one is gone; release it: cgpu runtime release ${name}`)
    } finally {
      abort.dispose()
    }
  }

  override jsonEnabled(): boolean {
    return !this.#handedOver && super.jsonEnabled()
  }
}
