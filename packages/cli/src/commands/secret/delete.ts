import {string} from '@oclif/core/args'
import {errors} from '@cgpu/core/errors'
import {checkSecretName} from '@cgpu/core/secrets/name'
import {didYouMean} from '@cgpu/core/text/closest'
import {openVault} from '../../run/secrets.ts'
import {SecretCommand} from '../../secret-command.ts'

/** Forgets a secret. */
export default class SecretDelete extends SecretCommand<{name: string}> {
  static override args = {name: string({description: 'its name', required: true})}
  static override examples = [{command: '<%= config.bin %> secret delete HF_TOKEN', description: 'forget its value'}]
  static override seeAlso = ['secret list']
  static override standalone = true
  static override summary = 'forget a secret'

  async run(): Promise<{name: string}> {
    const {args} = await this.parse(SecretDelete)
    const name = checkSecretName(args.name)
    const vault = openVault(await this.places())
    if (!(await vault.delete(name))) {
      throw errors.notFound(`no secret ${name} is kept`, {
        code: 'SECRET_NOT_FOUND', category: 'usage', fix: didYouMean(name, Object.keys(await vault.places())) ?? 'cgpu secret list', details: {name},
      })
    }
    this.notice(`${name} is forgotten`)
    return {name}
  }
}
