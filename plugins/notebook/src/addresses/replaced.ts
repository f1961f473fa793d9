import {createHash} from 'node:crypto'
import type {SchemeFiles} from '@cgpu/plugin-sdk'
import {refusal} from './problems.ts'

/**
 * The answer to a write got lost, and the next try says that there is another version by now: perhaps the one that was written.
 * Returns its version if so, else throws COPY_CHANGED (72).
 */
export async function replaced(files: SchemeFiles, {address, file, signal}: {address: string; file: Blob; signal: AbortSignal}): Promise<string | undefined> {
  const there = await files.read?.(address, {signal, maxBytes: file.size})
  if (there && there.data.length === file.size && sha256(there.data) === await sha256Of(file)) return there.version
  throw refusal(address, {status: 412, doing: 'write', signIn: ''})
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** Of a file that need not be in memory. */
export async function sha256Of(file: Blob): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of file.stream() as unknown as AsyncIterable<Uint8Array>) hash.update(chunk) // bytes, as Node streams them
  return hash.digest('hex')
}
