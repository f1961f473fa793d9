/** For tests of plugins: a sealed home, an emulated Colab, runtimes, and a recorder of hooks. */
export {callHook} from './call-hook.ts'
export type {CgpuOptions, CgpuResult, TestEmulatorInfo, TestEnvelope, TestHome} from './home.ts'
export {testHome} from './home.ts'
export {cgpuProgram} from './program.ts'
export type {HookRecorder, RecordedHook} from './recorder.ts'
export {hookRecorder} from './recorder.ts'
