import {string} from '@oclif/core/args'
import {checkSecretName} from '@cgpu/core/secrets/name'
import {readSecret} from '../../input.ts'
import {openVault} from '../../run/secrets.ts'
import {SecretCommand} from '../../secret-command.ts'

export interface SecretSetResult {
  name: string
  /** keyring, file */
  source: string
}

/** Keeps a secret's value. */
export default class SecretSet extends SecretCommand<SecretSetResult> {
  static override args = {name: string({description: 'its name, as of an environment variable', required: true})}
  static override description = 'The value is asked for without echo, or comes on stdin; it never stands on a command line. It is kept in the keyring of this system, else in a file that only you can read.\n\nRuns and code get it with --secret NAME.'
  static override examples = [
    {command: '<%= config.bin %> secret set HF_TOKEN < token.txt', description: 'from a file'},
    {command: '<%= config.bin %> secret set HF_TOKEN', description: 'asked for without echo'},
  ]
  static override seeAlso = ['secret list', 'run']
  static override standalone = true
  static override summary = 'keep a secret for runs'

  async run(): Promise<SecretSetResult> {
    const {args} = await this.parse(SecretSet)
    const name = checkSecretName(args.name)
    const value = await readSecret(name)
    const source = await openVault(await this.places()).set(name, value)
    this.notice(`${name} is kept in ${source === 'keyring' ? 'the keyring' : 'a file that only you can read'}; use it: cgpu run --secret ${name} …`)
    return {name, source}
  }
}
