import type {IncomingHttpHeaders, IncomingMessage, ServerResponse} from 'node:http'
import type {Duplex} from 'node:stream'
import type {MachineGate, SiteHandler, TokenVerdict} from '../contract.ts'
import {foreign, passedOn, tokensOf} from './credentials.ts'
import {forwardRequest, forwardUpgrade, type Outgoing, refuse, refuseUpgrade, type Upstream} from './forward.ts'

export interface SiteOptions {
  endpoint: string
  /** the port of the machine that the tokens are for */
  port: number
  gate: MachineGate
  /** this origin's URL; known once it listens */
  own: () => string
  upstream: Upstream
  /** headers that Jupyter wants of its proxy; absent for a user's program on another port */
  added?: IncomingHttpHeaders
  /** Whether sockets are closed when their token is no longer good. */
  closeExpired: () => boolean
}

interface Open {
  socket: Duplex
  token: string
}

const watchMs = 250

/** The origin in front of a machine's port: checks tokens and origins, then passes everything through. */
export class RuntimeSite implements SiteHandler {
  private readonly options: SiteOptions
  private readonly open = new Set<Open>()
  private readonly watch: NodeJS.Timeout

  constructor(options: SiteOptions) {
    this.options = options
    this.watch = setInterval(() => this.closeExpired(), watchMs).unref()
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    const verdict = this.judge(request)
    if ('status' in verdict) return refuse(response, verdict.status, verdict.text)
    this.used()
    forwardRequest(this.options.upstream, this.outgoing(request), request, response)
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const verdict = this.judge(request)
    if ('status' in verdict) return refuseUpgrade(socket, verdict.status, verdict.text)
    const entry = {socket, token: verdict.token}
    this.open.add(entry)
    socket.once('close', () => this.open.delete(entry))
    this.used()
    forwardUpgrade(this.options.upstream, this.outgoing(request), {socket, head, onData: () => this.used()})
  }

  /** Ends its sockets; the origin itself is closed by whoever listens. */
  close(): void {
    clearInterval(this.watch)
    for (const {socket} of this.open) socket.destroy()
  }

  /** Protocol note 4.1: 404 for another origin's page, 401 without a good token. */
  private judge(request: IncomingMessage): {token: string} | {status: number; text: string} {
    if (foreign(request, this.options.own())) return {status: 404, text: 'not found'}
    const verdicts = tokensOf(request).map((token) => ({token, verdict: this.check(token)}))
    const good = verdicts.find(({verdict}) => verdict === 'ok')
    if (good) return {token: good.token}
    const expired = verdicts.some(({verdict}) => verdict === 'expired')
    return {status: 401, text: `runtime proxy token ${expired ? 'expired' : verdicts.length === 0 ? 'missing' : 'unknown'}`}
  }

  /** Jupyter gets nothing that could be a credential, a user's OAuth token least of all; a program on another port its own. */
  private outgoing(request: IncomingMessage): Outgoing {
    const {path, headers} = passedOn(request, (token) => this.options.added !== undefined || this.check(token) !== 'unknown')
    return {path, headers: {...headers, ...this.options.added}}
  }

  private check(token: string): TokenVerdict {
    const {gate, endpoint, port} = this.options
    return gate.checkToken(endpoint, port, token)
  }

  /** Each time: the world's clock may have jumped since the last. */
  private used(): void {
    this.options.gate.used(this.options.endpoint)
  }

  private closeExpired(): void {
    if (this.open.size === 0 || !this.options.closeExpired()) return
    for (const {socket, token} of this.open) if (this.check(token) !== 'ok') socket.destroy()
  }
}
