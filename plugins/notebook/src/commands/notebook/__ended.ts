import {integer, string} from '@oclif/core/args'
import {CgpuCommand} from '@cgpu/plugin-sdk'

/** Tells plugins that a notebook is over, for the command that saw its job's end: its copy was brought here before. */
export default class NotebookEnded extends CgpuCommand<void> {
  static override args = {id: string({required: true}), status: integer({})}
  static override hidden = true
  static override summary = 'tell plugins that a notebook is over'

  async run(): Promise<void> {
    const {args} = await this.parse(NotebookEnded)
    const {tellEndOfJob} = await import('../../detach/end.ts')
    await tellEndOfJob(this, args.id, {exitStatus: args.status ?? null, dataDir: this.config.dataDir})
  }
}
