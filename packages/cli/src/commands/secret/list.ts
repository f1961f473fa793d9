import type {SecretSource} from '@cgpu/core/secrets/sources'
import {table} from '../../render/table.ts'
import {openSecrets} from '../../run/secrets.ts'
import {SecretCommand} from '../../secret-command.ts'

export interface SecretEntry {
  name: string
  /** every place that has it, the one that counts first; empty: it is named in .env, without a value */
  sources: SecretSource[]
}

/** Lists the names of secrets and where their values come from. */
export default class SecretList extends SecretCommand<SecretEntry[]> {
  static override description = 'Values are never shown. The environment counts before .env, .env before what was kept with cgpu secret set.'
  static override examples = [
    {command: '<%= config.bin %> secret list', description: 'the names, and where their values come from'},
    {command: '<%= config.bin %> secret list --json', description: 'the same for a script'},
  ]
  static override seeAlso = ['secret set']
  static override standalone = true
  static override summary = 'list the names of secrets'

  async run(): Promise<SecretEntry[]> {
    await this.parse(SecretList)
    const known = await openSecrets(await this.places()).known()
    const entries = [...known].map(([name, sources]) => ({name, sources}))
    if (entries.length === 0) this.notice('no secrets. keep one: cgpu secret set NAME')
    else this.log(table(['name', 'from'], entries.map(({name, sources}) => [name, sources.join(', ') || 'no value'])))
    return entries
  }
}
