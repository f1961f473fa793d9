import {string} from '@oclif/core/args'
import {schemaFor, schemaNames} from '@cgpu/core/schema/commands'
import {CgpuCommand} from '@cgpu/plugin-sdk'

/** Prints the JSON Schema of a command's output. */
export default class Schema extends CgpuCommand<Record<string, unknown> | string[]> {
  static override args = {command: string({description: 'a command, events (a line of --output ndjson), or error'})}
  static override examples = [
    {command: '<%= config.bin %> schema', description: 'what there are schemas for'},
    {command: '<%= config.bin %> schema runtime list', description: 'what runtime list --json prints'},
    {command: '<%= config.bin %> schema events', description: 'a line of --output ndjson'},
  ]
  static override strict = false
  static override standalone = true
  static override summary = 'show the JSON Schema of a command\'s output'
  static override usage = 'schema [COMMAND…]'

  async run(): Promise<Record<string, unknown> | string[]> {
    const {argv} = await this.parse(Schema)
    if (argv.length === 0) {
      const names = schemaNames().map((name) => name.replaceAll(':', ' '))
      this.log(names.join('\n'))
      return names
    }
    const schema = await schemaFor(argv.join(' '))
    this.log(JSON.stringify(schema, null, 2))
    return schema
  }
}
