/** Tables, progress and events as cgpu's own commands show them. */
export {NdjsonEncoder} from '@cgpu/core/schema/ndjson'
export {formatBytes, formatMoment} from '@cgpu/core/text/format'
export {TerminalFilter} from '@cgpu/core/text/terminal'
export {measure, Progress, type ProgressOptions} from './progress.ts'
export {ProgressLines} from './progress-lines.ts'
export {table, tableOptions, type TableOptions} from './table.ts'
export {displayWidth, type Env, isLively, type Output, type Style, style, truncate} from './terminal.ts'
