import {sanitizeLine} from '@cgpu/core/text/line'
import {runtimeFlag} from '../../flags.ts'
import {KernelCommand} from '../../kernel-command.ts'
import {table} from '../../render/table.ts'

interface Spec {
  name: string
  displayName: string
  language: string
  isDefault: boolean
}

/** Lists the kernelspecs of a runtime. */
export default class KernelSpecs extends KernelCommand<Spec[]> {
  static override examples = [{command: '<%= config.bin %> kernel specs', description: 'which kernels can be started, such as python3 or ir'}]
  static override flags = {...runtimeFlag}
  static override seeAlso = ['kernel start', 'kernel list']
  static override summary = 'list the kernels that a runtime can start'

  async run(): Promise<Spec[]> {
    const {flags} = await this.parse(KernelSpecs)
    return this.withKernels(flags, async (kernels) => {
      const {specs, default: usual} = await kernels.specs()
      const all = specs.map((spec) => ({...spec, isDefault: spec.name === usual}))
      this.log(table(['name', 'language', 'what it is', ''], all.map(({name, language, displayName, isDefault}) => [name, language, sanitizeLine(displayName, 60), isDefault ? 'default' : ''])))
      return all
    })
  }
}
