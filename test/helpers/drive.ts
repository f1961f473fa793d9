import {createServer, type Server} from 'node:http'
import {mkdtemp, rm} from 'node:fs/promises'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {auth, drive, type drive_v3} from '@googleapis/drive'
import type {Caller, Clock, Dice, Drive} from '@cgpu/emulator/contract'
import {createDrive} from '@cgpu/emulator/drive/drive'
import {driveSite} from '@cgpu/emulator/drive/site'

const scope = (name: string): string => `https://www.googleapis.com/auth/${name}`

/** The Drive stand-in over real HTTP, and the official client against it. */
export class DriveBed {
  readonly folder: string
  readonly #kept: boolean
  drive!: Drive
  url = ''
  /** ms that the clock is ahead */
  ahead = 0
  #server: Server | undefined

  constructor(folder: string, kept: boolean) {
    this.folder = folder
    this.#kept = kept
  }

  /** A clock for which every look is a millisecond later than the last, so that times tell files apart. */
  readonly clock: Clock = {
    now: () => 1_790_000_000_000 + this.ahead++,
    at: () => () => undefined,
    advance: (ms) => {
      this.ahead += ms
      return Promise.resolve()
    },
  }

  /** In a folder of an earlier bed, Drive goes on where that ended. */
  static async open(options: {folder?: string; quotaBytes?: number} = {}): Promise<DriveBed> {
    const bed = new DriveBed(options.folder ?? await mkdtemp(join(tmpdir(), 'cgpu-drive-')), options.folder !== undefined)
    bed.drive = createDrive({
      bearer: {caller: callerOf}, clock: bed.clock, dice: seeded(), folder: bed.folder, ...(options.quotaBytes === undefined ? {} : {quotaBytes: options.quotaBytes}),
    })
    const site = driveSite(bed.drive)
    const server = createServer((request, response) => site.request(request, response))
    bed.#server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    bed.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return bed
  }

  /** A client of this account with these scopes (short names). */
  client(email = 'ada@example.com', scopes: string[] = ['drive'], clientId = 'client-1'): drive_v3.Drive {
    const oauth = new auth.OAuth2()
    oauth.setCredentials({access_token: tokenFor(email, scopes, clientId)})
    return drive({version: 'v3', auth: oauth, rootUrl: `${this.url}/`, retry: false})
  }

  /** To go with every upload: the client's own `rootUrl` does not reach those. */
  get at(): {rootUrl: string} {
    return {rootUrl: `${this.url}/`}
  }

  /** A raw request. `path` is below the origin. */
  fetch(path: string, init: RequestInit & {as?: string; scopes?: string[]; duplex?: 'half'} = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${tokenFor(init.as ?? 'ada@example.com', init.scopes ?? ['drive'], 'client-1')}`)
    return fetch(path.startsWith('http') ? path : `${this.url}${path}`, {...init, headers})
  }

  /** Ends the server; the folder stays when it was given. */
  async stop(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise((resolve) => this.#server?.close(resolve))
    await this.drive.close()
  }

  async close(): Promise<void> {
    await this.stop()
    if (!this.#kept) await rm(this.folder, {recursive: true, force: true})
  }
}

export const tokenFor = (email: string, scopes: string[], clientId: string): string => Buffer.from(JSON.stringify({email, clientId, scopes: scopes.map(scope)})).toString('base64url')

function callerOf(authorization: string | undefined): Caller | null {
  const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1]
  if (token === undefined) return null
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as Caller
  } catch {
    return null
  }
}

function seeded(): Dice {
  let state = 42
  const row = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return {row: () => row, hex: (_, bytes) => 'ab'.repeat(bytes)}
}

/** What Google's error says, for a call that must fail. */
export async function refusal(call: Promise<unknown>): Promise<{code: number; reason: string; message: string}> {
  try {
    await call
  } catch (error) {
    const {response} = error as {response?: {status: number; data: unknown}}
    if (!response) throw error
    const data = typeof response.data === 'string' ? JSON.parse(response.data) as unknown : response.data
    const body = (data as {error: {errors: {reason: string}[]; message: string}}).error
    return {code: response.status, reason: body.errors[0]?.reason ?? '', message: body.message}
  }
  throw new Error('the call succeeded')
}
