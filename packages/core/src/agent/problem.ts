import {CgpuError, errors, ExitCode} from '../errors.ts'
import {isObject} from '../state/json.ts'

/** The agent's `{code, message}` in the user's terms. Codes: docs/agent-protocol.md. */
export function agentProblem(value: unknown): CgpuError {
  const error = isObject(value) ? value : {}
  const remote = typeof error['code'] === 'string' ? error['code'] : 'INTERNAL'
  // what is written beside a file until it is whole is our own affair
  const text = typeof error['message'] === 'string' ? error['message'].replaceAll(/\/[^/]*\.?cgpu-[0-9a-f]{12}(?:\.\d+)?\.part/g, '') : 'the agent on the machine gave no reason'
  const file = {category: 'file', details: {remote}} as const
  switch (remote) {
    case 'NOT_FOUND':
      return errors.notFound(`on the machine: ${text}`, {code: 'REMOTE_NOT_FOUND', fix: 'check the name; relative paths start at the working folder', ...file})
    case 'DENIED':
      return errors.usage(`on the machine: ${text}`, {code: 'REMOTE_DENIED', fix: 'choose a path that you may use there', ...file})
    case 'IS_DIRECTORY':
    case 'NOT_DIRECTORY':
    case 'NOT_REGULAR':
    case 'EXISTS':
      return errors.usage(`on the machine: ${text}`, {code: `REMOTE_${remote}`, fix: 'give the path of a regular file', ...file})
    case 'NOT_EMPTY':
      return errors.usage(`on the machine: ${text}`, {code: 'REMOTE_NOT_EMPTY', fix: 'give --recursive to remove a folder with all that is in it', ...file})
    case 'NO_SPACE':
      return errors.quota(`the disk of the machine is full: ${text}`, {code: 'REMOTE_DISK_FULL', fix: 'remove files there, or take a machine with a larger disk', ...file, category: 'capacity'})
    case 'RUNNING':
    case 'NOT_RUNNING':
      return errors.conflict(text.replace(/^run /, 'the job '), {code: `RUN_${remote}`, fix: 'see how the jobs are: cgpu job list', details: {remote}})
    case 'CHANGED':
      return errors.conflict(text, {code: 'FILE_CHANGED', fix: 'try again when nothing writes to it', retryable: true, ...file})
    case 'HASH_MISMATCH':
      return errors.network(text, {code: 'FILE_DAMAGED', fix: 'try again', retryable: true, ...file})
    case 'START_FAILED':
      return errors.network(`the machine could not start the job: ${text}`, {code: 'JOB_NOT_STARTED', category: 'runtime', fix: 'check the machine: its disk may be full', details: {remote}})
    case 'BAD_OFFSET':
      return errors.usage(text, {code: 'INVALID_OFFSET', fix: 'give --offset as a former attach reported it, or 0 for everything; or --tail LINES', details: {remote}})
    case 'BAD_REQUEST':
      return errors.usage(text, {code: 'REMOTE_REFUSED', fix: 'correct what was given', details: {remote}})
    case 'IO':
      return errors.network(`on the machine: ${text}`, {code: 'REMOTE_IO', fix: 'check the path and the disk of the machine', ...file})
    default:
      return new CgpuError(`the agent on the machine failed: ${text}`, {
        code: 'AGENT_FAILED', category: 'internal', exit: ExitCode.internal, fix: 'run the same command with --verbose and report what it prints', details: {remote},
      })
  }
}

/** The agent's own code of an error made by `agentProblem`. */
export function remoteCode(error: unknown): string | undefined {
  if (!(error instanceof CgpuError)) return undefined
  const code = error.details?.['remote']
  return typeof code === 'string' ? code : undefined
}
