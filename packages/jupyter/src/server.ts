import {contentsModel} from './contents.ts'
import type {ContentsModel, PutContents} from './contents.ts'
import type {KernelModel, KernelOptions, KernelSpecModel, SessionModel} from './contract.ts'
import {JupyterError} from './errors.ts'
import type {FileStream} from './file-stream.ts'
import {expectArray, expectObject, expectString, optionalNumber, optionalString} from './guard.ts'
import type {KernelConnection} from './kernel.ts'
import {kernelList, kernelModel, kernelSpecs, sessionList, sessionModel} from './models.ts'
import {RestClient} from './rest.ts'

const kernelStartMs = 60_000

/** One Jupyter server: its REST interface, and the way to its kernels. Every method throws JupyterError. */
export class JupyterServer extends RestClient {
  /** jupyter_server's version. */
  async version(): Promise<string> {
    const answer = expectObject(await this.request('GET', 'api'), 'api')
    return optionalString(answer, 'version') ?? ''
  }

  /** `started` and `lastActivity` are ISO times. */
  async status(): Promise<{started?: string; lastActivity?: string; kernels?: number; connections?: number}> {
    const from = expectObject(await this.request('GET', 'api/status'), 'api/status')
    const [started, lastActivity] = [optionalString(from, 'started'), optionalString(from, 'last_activity')]
    const [kernels, connections] = [optionalNumber(from, 'kernels'), optionalNumber(from, 'connections')]
    return {
      ...(started !== undefined && {started}), ...(lastActivity !== undefined && {lastActivity}),
      ...(kernels !== undefined && {kernels}), ...(connections !== undefined && {connections}),
    }
  }

  async kernelSpecs(): Promise<{default: string; specs: KernelSpecModel[]}> {
    return kernelSpecs(await this.request('GET', 'api/kernelspecs'))
  }

  async listKernels(): Promise<KernelModel[]> {
    return kernelList(await this.request('GET', 'api/kernels'))
  }

  /** `path` is the working folder, relative to the server's root. */
  async startKernel(options: {name?: string; path?: string; signal?: AbortSignal} = {}): Promise<KernelModel> {
    const {signal, ...body} = options
    return kernelModel(await this.request('POST', 'api/kernels', {body, timeoutMs: kernelStartMs, ...(signal && {signal})}), 'api/kernels')
  }

  /** Null when the server does not know the kernel. */
  async getKernel(id: string, options: {signal?: AbortSignal} = {}): Promise<KernelModel | null> {
    const path = `api/kernels/${encodeURIComponent(id)}`
    return orMissing(null, async () => kernelModel(await this.request('GET', path, options), path))
  }

  async interruptKernel(id: string): Promise<void> {
    await this.request('POST', `api/kernels/${encodeURIComponent(id)}/interrupt`)
  }

  async restartKernel(id: string): Promise<KernelModel> {
    const path = `api/kernels/${encodeURIComponent(id)}/restart`
    return kernelModel(await this.request('POST', path, {timeoutMs: kernelStartMs}), path)
  }

  /** A kernel that is gone already is a success. */
  async shutdownKernel(id: string): Promise<void> {
    await orMissing(undefined, () => this.request('DELETE', `api/kernels/${encodeURIComponent(id)}`, {timeoutMs: kernelStartMs}))
  }

  async listSessions(): Promise<SessionModel[]> {
    return sessionList(await this.request('GET', 'api/sessions'))
  }

  /** The session of this path, made with a new kernel when there is none: the server itself returns the existing one. */
  async ensureSession(options: {path: string; name: string; type: string; kernelName?: string; signal?: AbortSignal}): Promise<SessionModel> {
    const {kernelName, signal, ...rest} = options
    const body = {...rest, kernel: kernelName === undefined ? {} : {name: kernelName}}
    return sessionModel(await this.request('POST', 'api/sessions', {body, timeoutMs: kernelStartMs, ...(signal && {signal})}), 'api/sessions')
  }

  /** Shuts its kernel down too; a session that is gone already is a success. */
  async deleteSession(id: string): Promise<void> {
    await orMissing(undefined, () => this.request('DELETE', `api/sessions/${encodeURIComponent(id)}`, {timeoutMs: kernelStartMs}))
  }

  /** Connects to a kernel's channels. KERNEL_DEAD when the server does not know it. */
  async openKernel(kernelId: string, options: KernelOptions = {}): Promise<KernelConnection> {
    const {openKernel} = await import('./kernel.ts')
    return openKernel(this, kernelId, options)
  }

  /** Asks the server's process to end. */
  async shutdownServer(): Promise<void> {
    await this.request('POST', 'api/shutdown')
  }

  /** `content: false` leaves the content out. Names with a leading dot are hidden: 404 unless the server allows them. */
  async getContents(path: string, options: {content?: boolean; type?: 'file' | 'directory'; format?: 'text' | 'base64'; hash?: boolean; signal?: AbortSignal | undefined} = {}): Promise<ContentsModel> {
    const {content = true, type, format, hash = false, signal} = options
    const query = {content: content ? '1' : '0', ...(type && {type}), ...(format && {format}), ...(hash && {hash: '1'})}
    const url = `api/contents/${encodePath(path)}`
    return contentsModel(await this.request('GET', url, {query, maxBytes: contentsBytes, ...(signal && {signal})}), url)
  }

  /** Creates or replaces. The server holds about six times the size in memory: for small files only. */
  async putContents(path: string, body: PutContents, options: {signal?: AbortSignal | undefined} = {}): Promise<ContentsModel> {
    const {signal} = options
    const url = `api/contents/${encodePath(path)}`
    return contentsModel(await this.request('PUT', url, {body, ...(signal && {signal})}), url)
  }

  /** CONFLICT where something is there already. */
  async renameContents(path: string, to: string): Promise<void> {
    await this.request('PATCH', `api/contents/${encodePath(path)}`, {body: {path: to}})
  }

  /** A file that is gone already is a success. */
  async deleteContents(path: string): Promise<void> {
    await orMissing(undefined, () => this.request('DELETE', `api/contents/${encodePath(path)}`))
  }

  /**
   * Bytes `start` to before `end` of a file below the server's root, by `/files/`, which some servers lack (NOT_FOUND).
   * Fewer bytes than asked for mean that the file ends there. PROTOCOL when the server knows no ranges and the file is much longer.
   */
  async readFileRange(path: string, start: number, end?: number): Promise<Uint8Array> {
    const headers = {range: `bytes=${start}-${end === undefined ? '' : end - 1}`}
    try {
      const answer = await this.request('GET', `files/${encodePath(path)}`, {raw: true, headers, maxBytes: end === undefined ? contentsBytes : end - start + wholeBytes})
      return answer.status === 206 ? answer.body : answer.body.subarray(start, end)
    } catch (error) {
      if (error instanceof JupyterError && error.status === 416) return new Uint8Array()
      throw error
    }
  }

  /** The same file from `start` on, to be read piece by piece as fast as it comes. What is wrong with it is told by the first read. */
  async openFile(path: string, start: number, options: {signal?: AbortSignal | undefined} = {}): Promise<FileStream> {
    const url = this.locate(`files/${encodePath(path)}`)
    return new (await import('./file-stream.ts')).FileStream(this, {url, from: start, signal: options.signal})
  }

  /** Names of the server's terminals. */
  async listTerminals(): Promise<string[]> {
    const list = expectArray(await this.request('GET', 'api/terminals'), 'api/terminals')
    return list.map((each, index) => expectString(expectObject(each, `api/terminals[${index}]`), 'name', `api/terminals[${index}]`))
  }

  async createTerminal(options: {cwd?: string} = {}): Promise<string> {
    return expectString(expectObject(await this.request('POST', 'api/terminals', {body: options}), 'api/terminals'), 'name', 'api/terminals')
  }

  /** A terminal that is gone already is a success. */
  async deleteTerminal(name: string): Promise<void> {
    await orMissing(undefined, () => this.request('DELETE', `api/terminals/${encodeURIComponent(name)}`))
  }
}

/** Content travels as JSON text: base64 of about 190 MiB at most. */
const contentsBytes = 256 * 1024 * 1024

/** What a server that knows no ranges may send more than it was asked for. */
const wholeBytes = 8 << 20

/** Each name on its own, so that `/` stays and `?`, `#` and `%` are names' characters. */
function encodePath(path: string): string {
  return path.split('/').filter(name => name !== '').map(encodeURIComponent).join('/')
}

async function orMissing<T, M>(missing: M, ask: () => Promise<T>): Promise<T | M> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof JupyterError && error.code === 'NOT_FOUND') return missing
    throw error
  }
}
