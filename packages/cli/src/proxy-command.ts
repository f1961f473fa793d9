import {boolean, integer} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {openJupyterProxy, type OpenProxy} from '@cgpu/core/jupyter-proxy/open'
import {RunningProxies} from '@cgpu/core/jupyter-proxy/running'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import {keepOutOfDebugLog, withEnv} from '@cgpu/plugin-sdk'
import {WorkCommand} from './work-command.ts'

export const portFlag = withEnv({
  port: integer({min: 1, max: 65_535, summary: 'where it listens on this machine; default: any free port', helpValue: 'PORT'}),
})

export const printFlag = withEnv({print: boolean({summary: 'print the address and open nothing'})})

/** A way to a runtime's Jupyter server on this machine, as `--json` prints it. */
export interface ProxyView {
  runtime: string
  /** with the token: what clients are given */
  url: string
  port: number
  token: string
  /** of the process that serves it */
  pid: number
}

export interface ProxyRequest {
  /** of the runtime */
  name?: string | undefined
  flags: {port?: number | undefined} & Record<string, unknown>
  /** take one that another command keeps open */
  share: boolean
}

/** What the runtime and its page are, for those who lead people there. */
export interface Way extends ProxyView {
  cgpu: Cgpu
  record: RuntimeRecord
  /** the address of a page of the server, with the token */
  page: (path: string) => string
}

/** The base of commands that keep a way to a Jupyter server open until Ctrl-C. */
export abstract class ProxyCommand<T extends object> extends WorkCommand<T> {
  #answered = false

  /**
   * Opens the way, has `tell` say so, and stays until it is interrupted or the runtime is gone. Where another command keeps one
   * open, or `tell` needs none (null), it returns at once. With --json the envelope is printed when the way is open.
   */
  protected async serve({name, flags, share}: ProxyRequest, tell: (way: Way) => Promise<{result: T; stay: boolean}>): Promise<T> {
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(name)
    const running = share ? await new RunningProxies(cgpu.dirs.state).find(record.id) : undefined
    if (running && (flags.port === undefined || flags.port === running.port)) return (await tell(wayTo(cgpu, record, running, running.pid))).result
    const abort = this.abortOnSignals()
    try {
      const proxy = await openJupyterProxy(cgpu, record, {
        port: flags.port, signal: abort.signal,
        onLink: (state, reason) => this.notice(state === 'reachable' ? `${record.name} answers again` : `${record.name} does not answer at the moment (${reason}); its address here stays`),
      })
      try {
        const {result, stay} = await tell(wayTo(cgpu, record, proxy, process.pid))
        if (stay) await this.#stay(proxy, result, abort.signal)
        return result
      } finally {
        await proxy.close()
      }
    } finally {
      abort.dispose()
    }
  }

  /** One line, also when the command ends much later. */
  protected override logJson(json: unknown): void {
    if (!this.#answered) super.logJson(json)
    this.#answered = true
  }

  async #stay({ended}: OpenProxy, result: T, signal: AbortSignal): Promise<void> {
    if (this.jsonEnabled()) this.logJson(this.toSuccessJson(result))
    const interrupted = new Promise<undefined>((resolve) => signal.addEventListener('abort', () => resolve(undefined), {once: true}))
    const gone = await Promise.race([ended, interrupted])
    if (!gone) return
    if (!this.jsonEnabled()) throw gone
    // the line of --json is out
    process.stderr.write(`${gone.message}\n`)
    this.exitWith(gone.exit)
  }
}

function wayTo(cgpu: Cgpu, record: RuntimeRecord, {url, port, token}: {url: string; port: number; token: string}, pid: number): Way {
  keepOutOfDebugLog(token)
  const page = (path: string): string => `${url}${path}?token=${token}`
  return {cgpu, record, runtime: record.name, url: page(''), port, token, pid, page}
}
