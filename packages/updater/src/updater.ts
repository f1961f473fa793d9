import type {Build, Channel, ChannelDocument, Release} from './documents.ts'
import {buildId, type Installation, type Installed} from './installation.ts'
import {install} from './install.ts'
import {refused} from './problems.ts'
import {isDue} from './rollout.ts'
import {type ServerOptions, UpdateServer} from './server.ts'
import type {UpdateState} from './state.ts'
import {tidy} from './tidy.ts'
import {channelOf, compareVersions} from './version.ts'

export interface UpdateProgress {
  step: 'downloading' | 'unpacking' | 'trying'
  done?: number
  total?: number
}

export interface UpdaterOptions extends Partial<ServerOptions> {
  installation: Installation
  onProgress?: (progress: UpdateProgress) => void
}

/** What an update did. `changed`: another version is in use than before. */
export interface UpdateResult {
  from: string
  version: string
  id: string
  channel: Channel | null
  changed: boolean
  /** bytes of the download that an earlier attempt had left */
  resumed: number
}

export interface AvailableVersion {
  version: string
  /** ISO 8601 */
  released: string
  channels: Channel[]
  state: 'current' | 'installed' | 'available'
}

/** How long a silent server is waited for, in seconds. */
const usualPatience = 30

/** Changes which version of a standalone cgpu is in use. Every change is made under the installation's lock. */
export class Updater {
  readonly installation: Installation
  readonly #options: UpdaterOptions
  readonly #patience: number

  constructor(options: UpdaterOptions) {
    this.installation = options.installation
    this.#options = options
    this.#patience = options.patience ?? usualPatience
  }

  /** Takes what the channel gives, and stays with that channel. */
  async update(wanted?: Channel): Promise<UpdateResult> {
    return this.#changing(async () => {
      const {channel, switched} = await this.#channel(wanted)
      const document = await this.#server().channel(channel)
      if (!switched) await this.#refuseOlder(document)
      return this.#take(document.release, document)
    })
  }

  /** As `update`, for updates that nobody asked for: undefined where there is nothing to do, or this installation is not reached yet. */
  async updateByItself(): Promise<UpdateResult | undefined> {
    return this.#changing(async () => {
      const {installation} = this
      const state = await installation.state.read()
      if (state.held) return undefined
      const {channel} = await this.#channel(undefined)
      const document = await this.#server().channel(channel)
      const {release, rollout} = document
      const id = buildId(release.version, release.commit)
      if (id === (await installation.currentId()) || id === state.skipped || compareVersions(release.version, installation.build.version) < 0) return undefined
      return isDue(state.installation, release.version, rollout) ? this.#take(release, document) : undefined
    })
  }

  /** One version, installed and used; none comes by itself from then on. */
  async updateTo(version: string): Promise<UpdateResult> {
    return this.#changing(async () => this.#take(await this.#server().release(version), undefined))
  }

  /** Installs without using it. `installed` false: it was there. */
  async install(version: string): Promise<{id: string; installed: boolean}> {
    return this.#changing(async () => {
      const {id, fresh} = await this.#fetch(await this.#server().release(version))
      await this.installation.state.update(state => ({...state, kept: [...new Set([...state.kept, id])]}))
      return {id, installed: fresh}
    })
  }

  /** Switches to an installed version. */
  async use(name: string): Promise<UpdateResult> {
    return this.#changing(async () => {
      const {id, version} = await this.installation.find(name)
      return this.#switch(id, version, state => void (state.held = true))
    })
  }

  /** Back to the version that was used before. */
  async rollback(): Promise<UpdateResult> {
    return this.#changing(async () => {
      const {installation} = this
      const current = await installation.currentId()
      const installed = await installation.list()
      const {history} = await installation.state.read()
      const last = history.at(-1) === current ? history.length - 1 : history.length
      const at = history.slice(0, last).findLastIndex(id => id !== current && installed.some(one => one.id === id))
      // a version that came by an update whose process was killed before it wrote its history
      const before = installed.find(({id}) => (at === -1 ? id !== current && history.length === 0 : id === history[at]))
      if (!before) throw refused.noPrevious()
      return this.#switch(before.id, before.version, state => {
        state.history = [...state.history.slice(0, Math.max(0, at)), before.id]
        state.skipped = current
      })
    })
  }

  async remove(name: string): Promise<Installed> {
    return this.#changing(async () => {
      const found = await this.installation.find(name)
      if (found.state === 'current' || found.id === this.installation.runningId) throw refused.inUse(found.version)
      await this.installation.remove(found.id)
      await this.installation.state.update(state => ({...state, kept: state.kept.filter(id => id !== found.id)}))
      return found
    })
  }

  /** What can be had for this computer, newest first. */
  async available(): Promise<AvailableVersion[]> {
    const {versions} = await this.#server().list()
    const installed = await this.installation.list()
    return versions
      .filter(({targets}) => targets.includes(this.installation.target))
      .map(({version, commit, released, channels}) => ({version, released, channels, state: installed.find(({id}) => id === buildId(version, commit))?.state ?? ('available' as const)}))
      .sort((a, b) => compareVersions(b.version, a.version))
  }

  #server(): UpdateServer {
    const {installation, url, keys, signal, now} = this.#options
    const {update} = installation.build
    const options = {url: url ?? update.url, keys: keys ?? update.keys, patience: this.#patience, signal, ...(now ? {now} : {})}
    return new UpdateServer(options, {
      get: async name => (await installation.state.read()).seen[name] ?? 0,
      raise: async (name, sequence) => {
        await installation.state.update(state => ({...state, seen: {...state.seen, [name]: Math.max(sequence, state.seen[name] ?? 0)}}))
      },
    })
  }

  /** The channel that versions come from: the one that was chosen last, else that of the version itself. */
  async channel(): Promise<Channel> {
    return (await this.installation.state.read()).channel ?? channelOf(this.installation.build.version)
  }

  async #channel(wanted: Channel | undefined): Promise<{channel: Channel; switched: boolean}> {
    const own = await this.channel()
    return {channel: wanted ?? own, switched: wanted !== undefined && wanted !== own}
  }

  /**
   * An installation that has taken nothing from this channel yet cannot tell an old document that is played back: that cannot take it
   * to an older version. A document newer than the last one can, when a release turned out to be bad.
   */
  async #refuseOlder({release, sequence, channel}: ChannelDocument): Promise<void> {
    const {version} = this.installation.build
    const taken = (await this.installation.state.read()).taken[channel] ?? sequence
    if (compareVersions(release.version, version) < 0 && sequence <= taken) throw refused.older(release.version, version)
  }

  /** `document`: the channel's, where it came from one; else the version was chosen by hand. */
  async #take(release: Release, document: ChannelDocument | undefined): Promise<UpdateResult> {
    const {id, resumed} = await this.#fetch(release)
    return this.#switch(id, release.version, state => {
      state.held = document === undefined
      delete state.skipped
      if (!document) return
      state.channel = document.channel
      state.taken[document.channel] = document.sequence
    }, {channel: document?.channel ?? null, resumed})
  }

  async #fetch(release: Release): Promise<{id: string; fresh: boolean; resumed: number}> {
    const {installation} = this
    const build: Build | undefined = Object.hasOwn(release.builds, installation.target) ? release.builds[installation.target] : undefined
    if (!build) throw refused.noBuild(release.version, installation.target)
    const {signal, onProgress} = this.#options
    return install({installation, release, build, url: this.#server().at(build.file), patience: this.#patience, signal, onProgress})
  }

  async #switch(id: string, version: string, change: (state: UpdateState) => void, {channel = null, resumed = 0}: {channel?: Channel | null; resumed?: number} = {}): Promise<UpdateResult> {
    const {installation} = this
    const before = await installation.currentId()
    const from = (await installation.list()).find(one => one.id === before)?.version ?? before
    await installation.activate(id, change)
    return {from, version, id, channel, changed: id !== before, resumed}
  }

  async #changing<T>(work: () => Promise<T>): Promise<T> {
    return this.installation.locked(async () => {
      await this.installation.sweep()
      const result = await work()
      await tidy(this.installation).catch(() => undefined) // no reason to call the change failed
      return result
    })
  }
}
