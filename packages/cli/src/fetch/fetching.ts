import {string} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import {shownAddress} from '@cgpu/core/fetch/plan'
import {formatBytes} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type HookHost, keepOutOfDebugLog, withEnv} from '@cgpu/plugin-sdk'
import {Progress} from '../render/progress.ts'
import type {Place} from '../run/place.ts'
import {readHeaders} from './headers.ts'
import {resolveAddress} from './resolve.ts'

/** What `cgpu cp https://… NAME:PATH --json` prints. */
export interface FetchedFile {
  /** the address without its secrets */
  from: string
  /** NAME:PATH */
  to: string
  size: number
  sha256: string
  /** bytes that an earlier attempt had left there */
  resumed: number
}

export const fetchFlags = withEnv({
  header: string({multiple: true, summary: 'for an address: a header to send, or @FILE with one a line', helpValue: 'HEADER'}),
})

export interface FetchingOptions {
  /** asks plugins for schemes */
  host: HookHost
  open: () => Promise<Cgpu>
  abort: {signal: AbortSignal}
  headers: readonly string[]
  quiet: boolean
  notice: (message: string) => void
}

/** Has a runtime fetch what an address names. Nothing goes through this machine. */
export async function fetchTo(address: string, target: Place, {host, open, abort, headers, quiet, notice}: FetchingOptions): Promise<FetchedFile> {
  if (target.runtime === undefined) {
    throw errors.usage('an address is fetched by a runtime', {code: 'USAGE', fix: `cgpu cp ${shownAddress(address)} NAME:${sanitizeLine(target.path, 200)}; to fetch it to here, use curl -LO`})
  }
  keepSecrets(address)
  const plan = await resolveAddress(host, address, await readHeaders(headers))
  const cgpu = await open()
  // not with the signal: the job is still to be stopped when it came
  const session = await cgpu.connect(await cgpu.runtimes.select(target.runtime))
  const progress = new Progress({quiet})
  try {
    const {fetchOnMachine} = await import('@cgpu/core/fetch/fetch')
    const {path, ...fetched} = await session.guard(() => fetchOnMachine(session, {
      address, plan, to: target.path, signal: abort.signal,
      onProgress: (done, total) => progress.show({message: 'fetching', ...(total === undefined ? {detail: formatBytes(done)} : {done, total})}),
      onNotice: (message) => {
        progress.clear()
        notice(message)
      },
    }))
    progress.done()
    notice(`${session.record.name}:${sanitizeLine(path)} (${formatBytes(fetched.size)}${fetched.resumed > 0 ? `, ${formatBytes(fetched.resumed)} of it from before` : ''}, sha256 ${fetched.sha256})`)
    return {...fetched, to: `${session.record.name}:${path}`}
  } finally {
    progress.done()
    await session.close()
  }
}

/** What stands before the host or behind the path may be a secret: a password, a signature. */
function keepSecrets(address: string): void {
  const [, user] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)@/.exec(address) ?? []
  const query = /\?(.*)$/s.exec(address)?.[1]
  for (const secret of [user, query]) if (secret) keepOutOfDebugLog(secret)
}
