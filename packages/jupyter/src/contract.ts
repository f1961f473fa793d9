/**
 * The public shapes of this package. Implementations: `server.ts` (REST), `kernel.ts` (channels).
 * Times are milliseconds, sizes bytes, unless a name says otherwise.
 */

/** How a server is reached. `url` keeps its base path; `authorize` is asked before every request and upgrade. */
export interface ServerOptions {
  /** http(s)://host[:port]/base/path/ , without a token in it */
  url: string
  /** Sent as `Authorization: token …`, to this origin only. */
  token?: string
  /**
   * Extra headers, asked for anew before each request (Colab's proxy token expires). While a lost link is looked for, a
   * rejection with `retryable: true` or `category: 'network'` is a failed attempt as any other: a captive portal answers
   * them, too. Every other one ends the connection with it.
   */
  headers?: () => Record<string, string> | Promise<Record<string, string>>
  /**
   * Called once when the server answers 401, to a request or an upgrade, with the headers that were sent. True: `headers`
   * gives others now, and it is tried once more. A running connection is kept over it. One call at a time, whose outcome
   * holds for all that were refused meanwhile; it rejects as `headers` does.
   */
  reauthorize?: (refused: Record<string, string>) => Promise<boolean>
  /** PEM of an additional certificate authority. TLS checks are never switched off. */
  ca?: string
  /** Wire trace for --verbose: one redacted line per request, response and frame. */
  trace?: (line: string) => void
  /** Sent as User-Agent. */
  userAgent?: string
}

export type JupyterErrorCode =
  | 'AUTH' // 401, 403, or a redirect to a sign-in page
  | 'NOT_FOUND' // 404
  | 'CONFLICT' // 409
  | 'HTTP' // any other status
  | 'NETWORK' // refused, reset, DNS, timeout
  | 'TLS' // certificate not trusted, wrong host, expired
  | 'REDIRECT' // a redirect, which is never followed with the token
  | 'PROTOCOL' // answered, but not as a Jupyter server does (HTML, bad JSON, wrong types, too big)
  | 'TOO_BIG' // a message over 10 MiB, which Jupyter servers refuse
  | 'KERNEL_DEAD' // the kernel is gone (status dead, REST 404)
  | 'GONE' // the server itself is gone for good, says `isGone`
  | 'KERNEL_RESTARTED' // the kernel was restarted while work ran: that work is lost
  | 'CLOSED' // this connection was closed by us

export interface KernelModel {
  id: string
  name: string
  execution_state?: string | undefined
  last_activity?: string | undefined
  connections?: number | undefined
}

export interface SessionModel {
  id: string
  path: string
  name: string
  type: string
  kernel: KernelModel
}

export interface KernelSpecModel {
  name: string
  displayName: string
  language: string
}

export type Channel = 'shell' | 'iopub' | 'stdin' | 'control'

/** One Jupyter message, both framings. `buffers` are views of the received frame: copy what you keep. */
export interface Message {
  channel: Channel
  header: {msg_id: string; msg_type: string; session?: string; date?: string; version?: string; username?: string}
  parent_header: {msg_id?: string; msg_type?: string; session?: string}
  metadata: Record<string, unknown>
  content: Record<string, unknown>
  buffers: Uint8Array[]
}

export type LinkState = 'connected' | 'reconnecting' | 'closed'

/** What the kernel publishes besides what this connection waits for. */
export interface OtherMessage {
  message: Message
  /** true: of a request that another client sent; false: of one of ours that is over, as a thread of it may go on printing */
  foreign: boolean
}

/** What `onLink` tells besides the state. */
export interface LinkDetail {
  /** lowercase: why it was lost, or why it will not come back */
  reason?: string
  /** with `reconnecting`: failed attempts so far, and the wait before the next one */
  attempt?: number
  retryInMs?: number
  /** with `connected` after a loss */
  gap?: 'reconnected' | 'new-session'
}

export interface KernelOptions {
  /** Ping this often; two misses and the socket is terminated (half-open). Default 10_000. */
  heartbeatMs?: number
  /** Give up after being offline for so long. Default: never. */
  maxOfflineMs?: number
  /**
   * Asked now and then while a lost link does not come back: whether the server is known to be gone for good. True ends the
   * connection with GONE; a rejection is no answer.
   */
  isGone?: () => Promise<boolean>
  /** Ask for the default JSON framing instead of the binary one. Default: the binary one where the server has it. */
  framing?: 'v1' | 'json'
  signal?: AbortSignal
}

export interface ExecuteOptions {
  silent?: boolean
  storeHistory?: boolean
  allowStdin?: boolean
  stopOnError?: boolean
  userExpressions?: Record<string, string>
  /** metadata of the request; kernels pass over what they do not know */
  metadata?: Record<string, unknown>
  /** Every iopub message with this execution as its parent, in order, `status` left out. A promise holds the socket back. */
  onOutput?: (message: Message) => void | Promise<void>
  /** Every message about this execution on any channel, `status` and the reply too, before the callbacks below. A promise holds the socket back. */
  onMessage?: (message: Message) => void | Promise<void>
  /**
   * Every iopub message of a type that Jupyter does not define, of this execution, or without a parent while it runs.
   * They come in `onOutput` too, when they have a parent. Nothing waits for it.
   */
  onCustom?: (message: Message) => void
  /** Answers `input_request`. Absent: the kernel is told that stdin is not available. */
  onInput?: (prompt: string, password: boolean) => Promise<string>
  /** Called when the link was lost while this execution ran, with how it ended: output may have been missed. */
  onGap?: (reason: 'reconnected' | 'new-session') => void
  signal?: AbortSignal
}

export interface ExecuteResult {
  /** `unknown` only with `replyLost`: it ran, or never arrived, and how it ended was not seen */
  status: 'ok' | 'error' | 'aborted' | 'unknown'
  executionCount?: number | undefined
  error?: {name: string; value: string; traceback: string[]} | undefined
  userExpressions?: Record<string, unknown> | undefined
  /** MIME bundles that a kernel wants to be read page by page: help, source, what magics such as %psource show */
  pages?: Record<string, unknown>[] | undefined
  /** what a kernel wants to be edited and run next: a file's text after `%load`, former code after `%recall` */
  nextInput?: string | undefined
  /** True when the reply itself was lost in a reconnect and only `idle` was seen. */
  replyLost: boolean
  /** False, with `replyLost`: no sign was seen that the request ever reached the kernel. */
  started: boolean
  /** True when it ran in a process that was about to be replaced: variables and modules that it made are gone. */
  orphaned: boolean
}
