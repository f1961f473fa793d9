import {join} from 'node:path'
import {isObject} from '@cgpu/core/state/json'
import {JsonFile} from '@cgpu/core/state/json-file'

/** A server that was added. Its token is in the secret store, never here. */
export interface KnownServer {
  url: string
  /** PEM of an additional certificate authority */
  ca?: string
  insecure: boolean
  addedAt: string
}

interface ServersFile {
  servers: Record<string, KnownServer>
}

/** The servers that were added, by id: `servers.json`. */
export class Servers {
  readonly #file: JsonFile<ServersFile>

  constructor(stateDir: string) {
    this.#file = new JsonFile<ServersFile>({
      path: join(stateDir, 'servers.json'),
      version: 1,
      initial: () => ({servers: {}}),
      parse: (value) => {
        if (!isObject(value['servers'])) return undefined
        const servers: Record<string, KnownServer> = {}
        for (const [id, entry] of Object.entries(value['servers'])) {
          const server = parseServer(entry)
          if (!server) return undefined
          servers[id] = server
        }
        return {servers}
      },
    })
  }

  async all(): Promise<[string, KnownServer][]> {
    return Object.entries((await this.#file.read()).servers)
  }

  async get(id: string): Promise<KnownServer | undefined> {
    const {servers} = await this.#file.read()
    return Object.hasOwn(servers, id) ? servers[id] : undefined
  }

  async put(id: string, server: KnownServer): Promise<void> {
    await this.#file.update(({servers}) => ({servers: {...servers, [id]: server}}))
  }

  async remove(id: string): Promise<void> {
    await this.#file.update(({servers}) => ({servers: Object.fromEntries(Object.entries(servers).filter(([name]) => name !== id))}))
  }
}

function parseServer(value: unknown): KnownServer | undefined {
  if (!isObject(value)) return undefined
  const {url, ca, insecure, addedAt} = value
  if (typeof url !== 'string' || !/^https?:\/\//.test(url) || typeof addedAt !== 'string') return undefined
  return {url, addedAt, insecure: insecure === true, ...(typeof ca === 'string' ? {ca} : {})}
}
