import {CgpuCommand} from '@cgpu/plugin-sdk'
import {answer} from '../completion/answer.ts'

/** Answers a shell where bin/run.js does not do it by the short way: see completion/answer.ts. Never fails. */
export default class Complete extends CgpuCommand<void> {
  static override hidden = true
  static override remoteArgs = true
  static override strict = false
  static override standalone = true
  static override summary = 'answer a shell\'s completion'

  async run(): Promise<void> {
    this.parsed = true
    await answer(this.argv)
  }

  override jsonEnabled(): boolean {
    return false
  }
}
