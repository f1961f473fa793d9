import type {KernelModel, KernelSpecModel, SessionModel} from './contract.ts'
import {expectArray, expectObject, expectString, isObject, optionalNumber, optionalString} from './guard.ts'

/** From the server's JSON to the contract's shapes. Unknown fields are dropped, unknown states kept as they are. */

export function kernelModel(value: unknown, where: string): KernelModel {
  const from = expectObject(value, where)
  return {
    id: expectString(from, 'id', where),
    name: expectString(from, 'name', where),
    execution_state: optionalString(from, 'execution_state'),
    last_activity: optionalString(from, 'last_activity'),
    connections: optionalNumber(from, 'connections'),
  }
}

export function kernelList(value: unknown): KernelModel[] {
  return expectArray(value, 'api/kernels').map((each, index) => kernelModel(each, `api/kernels[${index}]`))
}

export function sessionModel(value: unknown, where: string): SessionModel {
  const from = expectObject(value, where)
  return {
    id: expectString(from, 'id', where),
    path: optionalString(from, 'path') ?? '',
    name: optionalString(from, 'name') ?? '',
    type: optionalString(from, 'type') ?? 'notebook',
    kernel: kernelModel(from['kernel'], `${where}.kernel`),
  }
}

export function sessionList(value: unknown): SessionModel[] {
  return expectArray(value, 'api/sessions').map((each, index) => sessionModel(each, `api/sessions[${index}]`))
}

export function kernelSpecs(value: unknown): {default: string; specs: KernelSpecModel[]} {
  const from = expectObject(value, 'api/kernelspecs')
  const entries = Object.entries(expectObject(from['kernelspecs'], 'api/kernelspecs.kernelspecs'))
  const specs = entries.map(([name, entry]) => {
    const spec = isObject(entry) && isObject(entry['spec']) ? entry['spec'] : {}
    return {name, displayName: optionalString(spec, 'display_name') ?? name, language: optionalString(spec, 'language') ?? ''}
  })
  return {default: expectString(from, 'default', 'api/kernelspecs'), specs}
}
