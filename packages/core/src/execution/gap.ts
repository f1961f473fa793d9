import type {LogRecord} from '../agent/log.ts'

/** In words, what a notice in a log says: what is missing from it, or that its program was started again. */
export function describeGap(record: LogRecord): string {
  const {kind, bytes, attempt, exitCode, signal} = record.notice()
  if (kind === 'restart') {
    const end = signal === undefined ? `ended with status ${exitCode ?? 'unknown'}` : `was ended by ${signal}`
    return `the program ${end}; attempt ${attempt ?? 'unknown'} begins`
  }
  const size = bytes === undefined ? 'some output' : `${bytes} bytes of output`
  if (kind === 'disk-full') return describeLoss(size, true)
  if (kind === 'limit') return `${size} went over the limit of the log and was not kept`
  return `${size} is missing in the log`
}

/** `lost`: bytes, or words for them. */
export function describeLoss(lost: number | string, diskFull: boolean): string {
  return `${typeof lost === 'number' ? `${lost} bytes of output` : lost} could not be logged${diskFull ? ': the disk of the machine is full' : ''}`
}
