/** The same for those of them that call hooks. */
export type {ExecutionRequest} from './hook-types.ts'
export {guarded, strayOfHook} from './hook-guard.ts'
export {withExecution} from './hooks.ts'
export {noProjectHooks} from './project-hooks.ts'
