import {readdir, readFile, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {z} from 'zod'
import {writeAtomic} from '../state/atomic.ts'
import {ensureDir} from '../state/dirs.ts'
import {parseJson} from '../state/json.ts'
import {livesHere, markSelf} from '../state/self.ts'
import {errnoOf} from '../state/write-error.ts'

const schema = z.object({
  version: z.literal(1),
  /** the runtime's */
  id: z.string(),
  /** for clients, without the token */
  url: z.url(),
  port: z.int(),
  token: z.string(),
  owner: z.object({pid: z.int(), startTime: z.string().optional(), host: z.string()}),
})

/** A proxy that a process of this user keeps open. */
export interface RunningProxy {
  url: string
  port: number
  token: string
  pid: number
}

/**
 * The open proxies, so that `cgpu lab` and `cgpu code` find the one that there is. One file (0600) each, as Jupyter servers
 * leave one in their own folder; a file whose process is gone is removed by whoever looks.
 */
export class RunningProxies {
  readonly #folder: string

  /** `state`: cgpu's folder of that name */
  constructor(state: string) {
    this.#folder = join(state, 'jupyter-proxies')
  }

  /** The one that leads to this runtime, if there is one. */
  async find(runtimeId: string): Promise<RunningProxy | undefined> {
    for (const name of await this.#names()) {
      const path = join(this.#folder, name)
      const kept = await read(path)
      if (!kept) continue
      const {id, url, port, token, owner} = kept
      if (!livesHere({pid: owner.pid, host: owner.host, ...(owner.startTime === undefined ? {} : {startTime: owner.startTime})})) await remove(path)
      else if (id === runtimeId) return {url, port, token, pid: owner.pid}
    }
    return undefined
  }

  /** Lets others find this process's own. The call that it returns takes it back. */
  async announce(runtimeId: string, {url, port, token}: Omit<RunningProxy, 'pid'>): Promise<() => Promise<void>> {
    await ensureDir(this.#folder)
    const path = join(this.#folder, `${process.pid}-${port}.json`)
    await writeAtomic(path, `${JSON.stringify({version: 1, id: runtimeId, url, port, token, owner: markSelf()})}\n`)
    return () => remove(path)
  }

  /**
   * A file that sends a browser on to a page of this proxy: its command line, which every user of this machine can read, then
   * holds no token. It goes with the proxy. Returns its path.
   */
  async doorstep({pid, port}: Pick<RunningProxy, 'pid' | 'port'>, url: string): Promise<string> {
    await ensureDir(this.#folder)
    const path = join(this.#folder, `${pid}-${port}.html`)
    const target = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
    await writeAtomic(path, `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${target}"><a href="${target}">JupyterLab</a>\n`)
    return path
  }

  async #names(): Promise<string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => name.endsWith('.json')).sort()
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    }
  }
}

async function remove(path: string): Promise<void> {
  await Promise.all([rm(path, {force: true}), rm(path.replace(/json$/, 'html'), {force: true})])
}

/** Undefined: it is gone, or not a file of ours. */
async function read(path: string): Promise<z.infer<typeof schema> | undefined> {
  try {
    return schema.safeParse(parseJson(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}
