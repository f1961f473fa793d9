import {chmodSync, mkdirSync, readdirSync, rmSync} from 'node:fs'
import {createServer, type Server, type Socket} from 'node:net'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {patienceMs} from './connect.ts'
import {maxFrameBytes, maxGreetingBytes} from './frames.ts'
import {isNonce, isProof, newNonce, type Nonces, proofOf} from './handshake.ts'
import {exposed} from './place.ts'
import {Wire} from './wire.ts'

export interface ListenOptions {
  socket: string
  /** must be for its owner only; sockets in it are removed */
  folder?: string | undefined
  token: string
  /** a client that has shown who it is */
  onClient: (wire: Wire) => void
  /** one that has not; who or why is not known */
  onStranger: (why: string) => void
}

/** so long a new connection counts as a stranger's */
const strangerMs = 2_000
const maxStrangers = 32

/** Listens on the socket. Throws DAEMON_EXPOSED (73) when others could get at it, and what listening throws. */
export async function listen({socket, folder, token, onClient, onStranger}: ListenOptions): Promise<Server> {
  if (folder !== undefined) {
    makePrivate(folder)
    // of daemons that were killed: whoever comes here holds the lock
    for (const name of readdirSync(folder)) if (name.endsWith('.sock')) rmSync(join(folder, name), {force: true})
  }
  const server = createServer((connection) => greet(connection, {token, onClient, onStranger}))
  server.maxConnections = 256
  let strangers = 0
  server.on('connection', (connection: Socket) => {
    if (++strangers > maxStrangers) connection.destroy()
    setTimeout(() => void strangers--, strangerMs).unref()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  if (process.platform !== 'win32') chmodSync(socket, 0o600)
  return server
}

function makePrivate(folder: string): void {
  mkdirSync(folder, {recursive: true, mode: 0o700})
  const wrong = exposed(folder, 'folder')
  if (!wrong) return
  throw errors.cannotWrite(`the daemon's folder ${sanitizeLine(folder)} is not for you alone: ${wrong}`, {
    code: 'DAEMON_EXPOSED', fix: `chmod 700 ${sanitizeLine(folder)}, or remove it`,
  })
}

/** The client begins with its nonce; it gets ours with the proof that we know the token, and answers with its own. */
function greet(connection: Socket, {token, onClient, onStranger}: Pick<ListenOptions, 'token' | 'onClient' | 'onStranger'>): void {
  // whoever says nothing is not waited for
  const timer = setTimeout(() => refuse('it said nothing'), patienceMs)
  timer.unref()
  let nonces: Nonces | undefined
  const refuse = (why: string): void => {
    clearTimeout(timer)
    onStranger(why)
    wire.destroy()
  }
  const wire = new Wire(connection, {
    limit: maxGreetingBytes,
    closed: (why) => {
      clearTimeout(timer)
      if (why) onStranger(why)
    },
    said: ({t, nonce, proof}) => {
      if (t === 'hello' && !nonces && isNonce(nonce)) {
        nonces = {client: nonce, server: newNonce()}
        return wire.say({t: 'challenge', nonce: nonces.server, proof: proofOf(token, 'server', nonces)})
      }
      if (t !== 'proof' || !nonces || !isProof(proof, token, 'client', nonces)) return refuse('it does not know the token')
      clearTimeout(timer)
      wire.limit = maxFrameBytes
      onClient(wire)
    },
  })
}
