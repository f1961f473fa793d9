import {basename, resolve} from 'node:path'
import {stat} from 'node:fs/promises'
import {string as stringArg} from '@oclif/core/args'
import {errors} from '@cgpu/core/errors'
import {isRemoteSource} from '@cgpu/core/fetch/plan'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {formatBytes} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type FetchedFile, fetchFlags, fetchTo} from '../fetch/fetching.ts'
import {Progress} from '../render/progress.ts'
import {parsePlace, type Place} from '../run/place.ts'
import {WorkCommand} from '../work-command.ts'

export interface Copied {
  from: string
  to: string
  size: number
  sha256: string
}

/** Copies one file to or from a runtime. */
export default class Cp extends WorkCommand<Copied | FetchedFile> {
  static override args = {
    source: stringArg({description: 'a local path, NAME:PATH on a runtime, or an address that the runtime fetches', required: true}),
    target: stringArg({description: 'a local path, or NAME:PATH on a runtime', required: true}),
  }
  static override description = 'A relative PATH is below the runtime\'s working folder. The file is checked by its sha256 and appears whole or not at all.'
  static override examples = [
    {command: '<%= config.bin %> cp data.csv trainer:data.csv', description: 'to the working folder of trainer'},
    {command: '<%= config.bin %> cp trainer:model.json .', description: 'back into this folder'},
    {command: '<%= config.bin %> cp https://data.example.com/data.csv trainer:', description: 'fetched by trainer itself'},
  ]
  static override flags = {...fetchFlags}
  static override summary = 'copy a file to or from a runtime'

  async run(): Promise<Copied | FetchedFile> {
    const {args, flags} = await this.parse(Cp)
    if (isRemoteSource(args.source)) return this.#fetch(args.source, args.target, flags)
    const [source, target] = [parsePlace(args.source), parsePlace(args.target)]
    if ((source.runtime === undefined) === (target.runtime === undefined)) {
      throw errors.usage(source.runtime === undefined ? 'both paths are local' : 'both paths are on runtimes', {
        code: 'USAGE', fix: 'one of them must be NAME:PATH: cgpu cp FILE NAME:PATH, or cgpu cp NAME:PATH FILE',
      })
    }
    const local = source.runtime === undefined ? await this.#localSource(source.path) : undefined
    const cgpu = await this.open(flags)
    const session = await cgpu.connect(await cgpu.runtimes.select(source.runtime ?? target.runtime))
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
    const abort = this.abortOnSignals()
    try {
      const options = {signal: abort.signal, onProgress: (done: number, total: number) => progress.show({message: 'copying', done, total})}
      const copied = await session.guard(() =>
        local === undefined ? this.#download(session, source, target, options) : this.#upload(session, local, target, options),
      )
      progress.done()
      this.notice(`${sanitizeLine(copied.to)} (${formatBytes(copied.size)})`)
      return copied
    } finally {
      progress.done()
      abort.dispose()
      await session.close()
    }
  }

  async #fetch(address: string, target: string, flags: {header?: string[] | undefined}): Promise<FetchedFile> {
    const abort = this.abortOnSignals()
    try {
      return await fetchTo(address, parsePlace(target), {
        host: this, open: () => this.open(flags), abort, headers: flags.header ?? [], quiet: this.quiet || this.jsonEnabled(), notice: (message) => this.notice(message),
      })
    } finally {
      abort.dispose()
    }
  }

  async #localSource(path: string): Promise<{path: string; mode: number}> {
    const found = await stat(resolve(path)).catch(() => undefined)
    if (!found) throw errors.notFound(`there is no file ${sanitizeLine(path)}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path'})
    if (!found.isFile()) {
      throw errors.usage(`${sanitizeLine(path)} is not a file`, {code: 'NOT_A_FILE', category: 'file', fix: 'cp copies one file at a time'})
    }
    return {path: resolve(path), mode: found.mode & 0o777}
  }

  async #upload(session: RuntimeSession, local: {path: string; mode: number}, target: Place, options: {signal: AbortSignal; onProgress: (done: number, total: number) => void}): Promise<Copied> {
    const agent = await session.agent()
    const folder = target.path === '' || target.path.endsWith('/') || (await agent.stat(target.path)).type === 'directory'
    const to = folder ? `${target.path.replace(/\/$/, '') || '.'}/${basename(local.path)}` : target.path
    const {size, sha256} = await agent.upload(local.path, to, {...options, mode: local.mode})
    return {from: local.path, to: `${session.record.name}:${to.replace(/^\.\//, '')}`, size, sha256}
  }

  async #download(session: RuntimeSession, source: Place, target: Place, options: {signal: AbortSignal; onProgress: (done: number, total: number) => void}): Promise<Copied> {
    const agent = await session.agent()
    // NAME: alone is the working folder, which is refused as any folder is
    const info = await agent.stat(source.path || '.')
    if (!info.exists) throw errors.notFound(`there is no file ${sanitizeLine(source.path)} on ${session.record.name}`, {code: 'FILE_NOT_FOUND', category: 'file', fix: 'check the path'})
    if (info.type !== 'file') {
      throw errors.usage(`${sanitizeLine(source.path) || 'the working folder'} on ${session.record.name} is not a file`, {code: 'NOT_A_FILE', category: 'file', fix: 'cp copies one file at a time'})
    }
    const local = resolve(target.path)
    const folder = target.path.endsWith('/') || ((await stat(local).catch(() => undefined))?.isDirectory() ?? false)
    const name = source.path.split(/[/\\]/).at(-1) ?? 'file'
    const to = folder ? resolve(local, name) : local
    const {size, sha256} = await agent.download(source.path, to, options)
    return {from: `${session.record.name}:${source.path}`, to, size, sha256}
  }
}
