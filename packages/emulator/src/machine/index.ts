export {createMachineHost, type LocalMachineHost} from './host.ts'
export type {MachineHostOptions} from './options.ts'
export {machinePython} from './python.ts'
