import {string as stringArg} from '@oclif/core/args'
import {CgpuCommand} from '@cgpu/plugin-sdk'
import {table} from '@cgpu/plugin-sdk/render'
import {readNotebook} from '../../format/read.ts'
import {type Parameter, parametersOf} from '../../parameters/inspect.ts'

/** Lists the parameters that a notebook declares. */
export default class NotebookParams extends CgpuCommand<Parameter[]> {
  static override aliases = ['nb:params']
  static override args = {notebook: stringArg({description: 'the notebook, a file or an address; - reads it from stdin', required: true})}
  static override description = 'They are the assignments of the cell tagged parameters: name: type = default  # help. Nothing is run.'
  static override examples = [
    {command: '<%= config.bin %> notebook params analysis.ipynb', description: 'a table: name, type, default, help'},
    {command: '<%= config.bin %> notebook params analysis.ipynb --json', description: 'for programs'},
  ]
  static override seeAlso = ['notebook run']
  static override summary = 'list the parameters of a notebook'

  async run(): Promise<Parameter[]> {
    const {args} = await this.parse(NotebookParams)
    const parameters = parametersOf(await readNotebook(args.notebook, this))
    if (!parameters) this.warn('no cell is tagged "parameters"')
    else if (parameters.length === 0) this.notice('its cell tagged "parameters" sets nothing')
    else this.log(table(['name', 'type', 'default', 'help'], parameters.map(({name, type, default: value, help}) => [name, type ?? '', value, help ?? ''])))
    return parameters ?? []
  }
}
