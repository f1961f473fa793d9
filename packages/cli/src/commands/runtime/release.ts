import {boolean} from '@oclif/core/flags'
import {CgpuError, errors, withDetails} from '@cgpu/core/errors'
import type {ReleasedRuntime} from '@cgpu/core/runtime/service'
import {withEnv} from '@cgpu/plugin-sdk'
import {yesFlag} from '../../flags.ts'
import {confirm} from '../../input.ts'
import {releasedLine} from '../../render/released.ts'
import {WorkCommand} from '../../work-command.ts'

/** Releases runtimes, so that they stop and cost nothing more. */
export default class RuntimeRelease extends WorkCommand<ReleasedRuntime[]> {
  static override aliases = ['stop']
  static override examples = [
    {command: '<%= config.bin %> runtime release trainer', description: 'release one runtime'},
    {command: '<%= config.bin %> stop --all --yes', description: 'release all of them, without asking'},
    {command: '<%= config.bin %> runtime release trainer --force', description: 'forget one whose emulator or server is no more'},
  ]
  static override description = 'Outputs of detached jobs that are over come first; a job that still runs there is named, and ends with its machine. One whose provider cannot be asked stays: it may go on, and cost. With --force it is forgotten here all the same, also one of an emulator that this shell does not work with.'
  static override flags = {
    ...withEnv({
      all: boolean({summary: 'every runtime, but those opened in a browser'}),
      force: boolean({env: 'CGPU_RELEASE_FORCE', char: 'f', exclusive: ['all'], summary: 'forget what is named also where it cannot be released; it may go on there'}),
    }),
    ...yesFlag,
  }
  static override strict = false
  static override summary = 'release runtimes'
  static override usage = 'runtime release [NAME…] [--all] [--force] [-y]'

  async run(): Promise<ReleasedRuntime[]> {
    const {argv, flags} = await this.parse(RuntimeRelease)
    const names = argv.map(String)
    if (flags.all && names.length > 0) throw errors.usage('names and --all exclude each other', {code: 'USAGE', fix: 'give one of them'})
    if (flags.force && names.length === 0) throw errors.usage('forget which runtime?', {code: 'RUNTIME_REQUIRED', fix: 'cgpu runtime release NAME --force'})
    const cgpu = await this.open(flags)
    const {runtimes} = cgpu
    const {forgetRuntimes, namedAnywhere, ownTrouble = []} = flags.force ? await import('../../run/forget-runtime.ts') : {}
    const named = namedAnywhere && (await namedAnywhere(cgpu, names))
    const unreachable = [...(named?.elsewhere ?? [])]
    const chosen = flags.all
      ? (await runtimes.remembered()).filter((one) => one.origin !== 'foreign')
      : (named?.here ?? await Promise.all(names.length === 0 ? [runtimes.select()] : names.map((name) => runtimes.select(name))))
    const records = [...new Map(chosen.map((record) => [record.id, record])).values()]
    if (records.length === 0 && unreachable.length === 0) {
      this.notice('no runtimes to release')
      return []
    }
    // naming a runtime says clearly enough what is meant; all of them, or an unnamed one, is asked about
    const {jobsOn, bringBack} = await import('../../run/before-release.ts')
    const {running, over} = await jobsOn(cgpu, records)
    const ending = running.map(({id, runtime}) => `the job ${id} still runs on ${runtime.name}, and ends with it`)
    if (names.length === 0) await confirm(['release', `${records.map((one) => one.name).join(', ')}?`, ...ending.map((one) => `(${one})`)].join(' '), flags.yes)
    if (names.length > 0 || flags.yes) for (const one of ending) this.warn(one)
    // a machine whose outputs cannot come here is kept; the others cost money
    const kept = new Map<string, CgpuError>()
    for (const {id} of records) {
      const here = over.filter(({runtime}) => runtime.id === id)
      await bringBack(cgpu, here, {warn: (message) => void this.warn(message), notice: (message) => this.notice(message)}).catch((error: unknown) => {
        if (!(error instanceof CgpuError)) throw error
        kept.set(id, error)
      })
    }
    const released: ReleasedRuntime[] = []
    const onReleased = async (one: ReleasedRuntime): Promise<void> => {
      released.push(one)
      this.log(releasedLine(one))
      await cgpu.folders.forget(one.id)
    }
    const failed: unknown[] = []
    const releasing = records.filter(({id}) => !kept.has(id))
    if (forgetRuntimes) {
      for (const record of releasing) {
        await runtimes.release([record], {onReleased}).catch((error: unknown) => {
          if (!(error instanceof CgpuError) || ownTrouble.includes(error.code)) throw error
          unreachable.push({record, why: `${record.name} could not be released: ${error.message}`})
        })
      }
      await forgetRuntimes(cgpu, unreachable, {warn: (message) => void this.warn(message), onForgotten: async (one) => {
        released.push(one)
        this.log(`forgot ${one.name}`)
        await cgpu.folders.forget(one.id)
      }})
    } else await runtimes.release(releasing, {onReleased}).catch((error: unknown) => failed.push(error))
    const [first, ...more] = [...failed, ...kept.values()]
    for (const error of more) this.warn(error instanceof Error ? error.message : String(error))
    // it cost money until now: what is gone is told in any case
    if (first !== undefined) throw withDetails(first, {released})
    return [...records, ...(named?.elsewhere ?? []).map(({record}) => record)].flatMap(({id}) => released.filter((one) => one.id === id))
  }
}
