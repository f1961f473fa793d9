import {type Channel, type ChannelDocument, channelDocument, documentTypes, type Release, releaseDocument, type ReleaseList, releaseList} from './documents.ts'
import {openEnvelope} from './envelope.ts'
import {checkedUrl, getText, type GetOptions} from './http.ts'
import {refused} from './problems.ts'

export interface ServerOptions extends GetOptions {
  url: string | null
  keys: readonly string[]
  /** milliseconds since 1970; tests */
  now?: () => number
}

/** The highest sequence of each document that was seen. */
export interface Seen {
  get(name: string): Promise<number>
  raise(name: string, sequence: number): Promise<void>
}

/** The documents of an update server, each only after its signature was checked. */
export class UpdateServer {
  readonly #base: URL
  readonly #options: ServerOptions
  readonly #seen: Seen

  /** Throws UPDATE_NOT_CONFIGURED or UPDATE_URL_INVALID (64). */
  constructor(options: ServerOptions, seen: Seen) {
    const {url, keys} = options
    if (url === null) throw keys.length === 0 ? refused.noServer() : refused.noUrl()
    if (keys.length === 0) throw refused.noKey(url)
    this.#base = checkedUrl(url.endsWith('/') ? url : `${url}/`)
    this.#options = options
    this.#seen = seen
  }

  at(path: string): URL {
    return new URL(path, this.#base)
  }

  /** What the channel gives now. Throws UPDATE_NOT_FOUND (66), UPDATE_REPLAYED, UPDATE_EXPIRED and what openEnvelope does (65). */
  async channel(name: Channel): Promise<ChannelDocument> {
    const path = `channels/${name}.json`
    const document = await this.#document(path, documentTypes.channel, channelDocument)
    if (document === undefined) throw refused.noChannel(name)
    if (document.channel !== name) throw refused.invalid(path, `it is of the channel ${document.channel}`)
    await this.#inOrder(path, document.sequence)
    const now = this.#options.now ?? Date.now
    if (Date.parse(document.expires) <= now()) throw refused.expired(path, document.expires)
    return document
  }

  async release(version: string): Promise<Release> {
    const path = `versions/${version}/buildmanifest.json`
    const release = await this.#document(path, documentTypes.release, releaseDocument)
    if (release === undefined) throw refused.noVersion(version)
    if (release.version !== version) throw refused.invalid(path, `it is of version ${release.version}`)
    return release
  }

  async list(): Promise<ReleaseList> {
    const path = 'versions.json'
    const list = await this.#document(path, documentTypes.list, releaseList)
    if (list === undefined) throw refused.noFile(path)
    await this.#inOrder(path, list.sequence)
    return list
  }

  async #document<T>(path: string, payloadType: string, schema: Parameters<typeof openEnvelope<T>>[1]['schema']): Promise<T | undefined> {
    const text = await getText(this.at(path), this.#options)
    return text === undefined ? undefined : openEnvelope(text, {payloadType, schema, keys: this.#options.keys, address: path})
  }

  async #inOrder(path: string, sequence: number): Promise<void> {
    const seen = await this.#seen.get(path)
    if (sequence < seen) throw refused.replayed(path, seen, sequence)
    if (sequence > seen) await this.#seen.raise(path, sequence)
  }
}
