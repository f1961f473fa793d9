import type {LogRecord} from '../agent/log.ts'

/** In words, what a notice in a log says is missing from it. */
export function describeGap(record: LogRecord): string {
  const {kind, bytes} = record.notice()
  const size = bytes === undefined ? 'some output' : `${bytes} bytes of output`
  if (kind === 'disk-full') return `${size} could not be logged: the disk of the machine is full`
  if (kind === 'limit') return `${size} went over the limit of the log and was not kept`
  return `${size} is missing in the log`
}
