/**
 * What of this package a plugin in the sandbox is given as it is: nothing of it loads oclif or the rest of cgpu. The command's base and
 * its flags are the sandbox's own there.
 */
export {CgpuError, ExitCode, errorCategories, errors} from '@cgpu/core/errors'
export {cellExitStatus} from '@cgpu/core/execution/exit-status'
export {closest} from '@cgpu/core/text/closest'
export {sanitizeLine} from '@cgpu/core/text/line'
export {parseTimeLimit} from '@cgpu/core/text/time-limit'
export {callBy} from './client/call.ts'
export {cgpu} from './client/client.ts'
export {computer, computerBy, fetched} from './client/computer.ts'
export type {Computer} from './client/computer.ts'
export {openBrowser} from './client/browser.ts'
export {googleAccess} from './client/google.ts'
export {withKernel} from './client/kernel.ts'
export {CONTRACT, HOOK_BUDGET_MS} from './contract.ts'
export {defineHook, defineMetricSink, defineNotebookExporter, definePipelineExecutor, defineProvider, defineScheme, defineSecretSource} from './define.ts'
export {withEnv} from './env-flags.ts'
export {inert} from './text.ts'

