import {string} from '@oclif/core/args'
import {EmulatorCommand, nameFlag} from '../../../emulator-command.ts'

const kinds = ['tokens', 'standing-tokens', 'proxy-tokens'] as const

/** Makes tokens expire now. */
export default class EmulatorScenarioExpire extends EmulatorCommand<{expired: string}> {
  static override args = {what: string({description: 'access tokens of sign-ins, the one in CGPU_TOKEN, or those of runtimes', options: [...kinds], required: true})}
  static override examples = [
    {command: '<%= config.bin %> emulator scenario expire proxy-tokens', description: 'every runtime now answers 401 until its token is renewed'},
    {command: '<%= config.bin %> emulator scenario expire tokens', description: 'access tokens must be renewed'},
  ]
  static override flags = nameFlag
  static override summary = 'make tokens expire now'

  async run(): Promise<{expired: string}> {
    const {args, flags} = await this.parse(EmulatorScenarioExpire)
    const what = kinds.find((one) => one === args.what) ?? 'tokens'
    await (await this.admin(flags.name)).happen({expire: what})
    this.log(`${what} have expired`)
    return {expired: what}
  }
}
