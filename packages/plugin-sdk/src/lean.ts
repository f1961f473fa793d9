/** For cgpu's own ways that must start without oclif; plugins have no use for it. */
export {isCgpuEvent, supportsContract} from './contract.ts'
export {keepOutOfDebugLog} from './debug-log.ts'
export {failure, success} from './envelope.ts'
export {exitRequest, exitStatus, toCgpuError} from './problem.ts'
export {reportError} from './report.ts'
export {inert} from './text.ts'
