import {Transform} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {openByteSocket, UpgradeRefused} from '@cgpu/jupyter/byte-socket'
import {errors} from '../errors.ts'
import type {LocalEnd} from '../ports/connection.ts'
import type {SshGate} from '../provider.ts'
import {sanitizeLine} from '../text/line.ts'

/** Joins two streams to a machine's SSH by the provider's own way. Resolves when it is over; throws CgpuError, JupyterError. */
export async function joinGate(gate: SshGate, publicKey: string, {input, output}: LocalEnd, runtime: string, signal: AbortSignal): Promise<void> {
  const {keyHeader, maxFrameBytes, path} = gate
  const socket = await openByteSocket(gate, {path, headers: {[keyHeader]: publicKey}, signal}).catch((error: unknown) => {
    throw error instanceof UpgradeRefused ? explained(error, runtime) : error
  })
  const stop = (): void => void socket.destroy()
  signal.addEventListener('abort', stop, {once: true})
  try {
    const sending = pipeline(input, pieces(maxFrameBytes), socket)
    sending.catch(() => undefined)
    // when the machine has ended, nobody waits for what may still be typed. What broke off is told here: a pipeline would destroy
    // the output by it, which may be this process's stdout
    let broken: {error: unknown} | undefined
    await pipeline(async function* received() {
      try {
        yield* socket
      } catch (error) {
        broken = {error}
      }
    }, output)
    if (broken) throw broken.error
  } catch (error) {
    if (!signal.aborted && !isEnd(error)) throw error
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}

/** A frame of the WebSocket is a write. */
function pieces(size: number): Transform {
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      for (let at = 0; at < chunk.length; at += size) this.push(chunk.subarray(at, at + size))
      done()
    },
  })
}

/** The machine's end went first, as it does when a session is over. */
function isEnd(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'EPIPE')
}

function explained({status, body}: UpgradeRefused, runtime: string): Error {
  const details = {status}
  if (status === 404) return errors.usage(`${runtime} was made without SSH`, {code: 'NO_SSH', category: 'runtime', fix: 'without it: cgpu exec, cgpu run, cgpu cp', details})
  if (status === 429) return errors.conflict(`${runtime} has an SSH session already, and takes one at a time`, {code: 'SSH_BUSY', fix: 'end the other one, or share it: ControlMaster in your ssh configuration', details})
  if (status === 400 && /key/.test(body)) return errors.usage(`the machine does not take this key: ${sanitizeLine(body.trim(), 200)}`, {code: 'SSH_KEY_REFUSED', category: 'auth', fix: 'give another: --identity ~/.ssh/id_ed25519', details})
  if (status === 401 || status === 403) return errors.auth(`the provider does not let this account into ${runtime} by SSH (${status})`, {code: 'SSH_REFUSED', fix: 'cgpu auth status', details})
  return errors.network(`the provider did not make a way to the SSH of ${runtime} (${status})`, {code: 'SSH_UNREACHABLE', fix: 'try again in a moment', retryable: true, details})
}
