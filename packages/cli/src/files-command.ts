import type {AgentClient} from '@cgpu/core/agent/client'
import {remoteCode} from '@cgpu/core/agent/problem'
import {CgpuError, errors} from '@cgpu/core/errors'
import type {Denied, FoundEntry, RemoteFiles} from '@cgpu/core/files/remote'
import {sanitizeLine} from '@cgpu/core/text/line'
import {shellLine} from '@cgpu/core/text/quote'
import {withEnv} from '@cgpu/plugin-sdk'
import {string} from '@oclif/core/flags'
import {Progress} from './render/progress.ts'
import {parsePlace} from './run/place.ts'
import {writeTo} from './stream/sink.ts'
import {WorkCommand} from './work-command.ts'

/** `-r` is recursive in this topic, as with rm and cp: here a runtime has no short form, so that no folder is taken for one. */
export const filesRuntimeFlag = withEnv({
  runtime: string({helpGroup: 'RUNTIME', summary: 'the runtime of paths without NAME:, by name or unique prefix', helpValue: 'NAME'}),
})

/** What a command on files works with. */
export interface There {
  files: RemoteFiles
  agent: AgentClient
  /** of the runtime */
  name: string
  /** those that were given, without the runtime's name; the working folder is `.` */
  paths: string[]
  signal: AbortSignal
  /** gives the signals that abort it back, and takes them again */
  signals: {arm(): void; dispose(): void}
}

/** The base of commands on files where they are. */
export abstract class FilesCommand<T = unknown> extends WorkCommand<T> {
  static override seeAlso = ['cp', 'fs ls', 'fs find']

  /** Places as they were typed, on one runtime; the work there. */
  protected async withFiles<R>(flags: {runtime?: string | undefined}, places: readonly string[], work: (there: There) => Promise<R>): Promise<R> {
    const parsed = places.map((place) => parsePlace(place))
    // a name in a path is meant for this command, and goes before the flag, which may come from the environment
    const names = [...new Set(parsed.flatMap(({runtime}) => runtime ?? []))]
    if (names.length > 1) throw errors.usage(`these are on different runtimes: ${names.join(', ')}`, {code: 'SEVERAL_RUNTIMES', fix: 'work on one runtime at a time'})
    const cgpu = await this.open(flags)
    const runtime = await cgpu.runtimes.select(names[0] ?? flags.runtime)
    const abort = this.abortOnSignals()
    const session = await cgpu.connect(runtime, {signal: abort.signal})
    try {
      return await session.guard(async () => {
        const [agent, {RemoteFiles}] = await Promise.all([session.agent(), import('@cgpu/core/files/remote')])
        return work({files: new RemoteFiles(agent), agent, name: runtime.name, paths: parsed.map(({path}) => path || '.'), signal: abort.signal, signals: abort})
      })
    } finally {
      abort.dispose()
      await session.close()
    }
  }

  /** The arguments of a command that takes any number, but one at least. */
  protected several(argv: readonly unknown[], what: string): string[] {
    const given = argv.map(String)
    if (given.length === 0) throw errors.usage(`which ${what}?`, {code: 'PATH_REQUIRED', category: 'file', fix: `give NAME:PATH; see cgpu ${this.id?.replace(':', ' ') ?? ''} --help`})
    return given
  }

  /** What each path or pattern stands for. Throws FILE_NOT_FOUND (66) for one that stands for nothing. */
  protected async expanded({files, paths, name, signal}: There): Promise<FoundEntry[]> {
    const all: FoundEntry[] = []
    for (const path of paths) {
      const found = await files.expand(path, {signal})
      if (found.length === 0) throw noFile(path, name)
      all.push(...found)
    }
    return all
  }

  /** The files that they stand for: a folder among them is refused before anything is read. Throws NOT_A_FILE (64). */
  protected async expandedFiles(there: There): Promise<FoundEntry[]> {
    const found = await this.expanded(there)
    const folder = found.find(({type}) => type === 'directory')
    if (folder) throw notAFile(folder.path, there.name)
    return found
  }

  /** Lines of the result, no faster than they are read. Their text must be clean already. */
  protected async lines(lines: readonly string[]): Promise<void> {
    if (!this.jsonEnabled() && lines.length > 0) await writeTo(process.stdout, `${lines.join('\n')}\n`)
  }

  /** What may take long and prints nothing meanwhile: a line that moves, on a terminal. */
  protected async busy<R>(message: string, work: () => Promise<R>): Promise<R> {
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled() || !process.stderr.isTTY})
    progress.show({message})
    try {
      return await work()
    } finally {
      progress.done()
    }
  }

  protected warnDenied({some, count}: Denied): void {
    if (count > 0) this.warn(`${count === 1 ? 'a folder' : `${count} folders`} could not be read: ${some.slice(0, 3).join('; ')}${count > 3 ? '; …' : ''}`)
  }
}

/** Nothing is there. A path that is a runtime's name and lacks its colon is the most likely mistake. */
export function noFile(path: string, runtime: string): CgpuError {
  const shown = sanitizeLine(path, 200)
  const fix = path === runtime ? `cgpu fs ls ${runtime}: lists the files of ${runtime}` : `see what is there: cgpu fs ls ${runtime}:`
  return errors.notFound(`there is no ${/[*?[]/.test(path) ? 'match for' : 'file or folder'} ${shown} on ${runtime}`, {code: 'FILE_NOT_FOUND', category: 'file', fix})
}

/** What only a file can be used for. */
export function notAFile(path: string, runtime: string): CgpuError {
  const place = `${runtime}:${path}`
  return errors.usage(`${sanitizeLine(path, 200)} on ${runtime} is a folder`, {
    code: 'NOT_A_FILE', category: 'file', fix: sanitizeLine(`see what is in it: ${shellLine(['cgpu', 'fs', 'ls', place])}; copy it: ${shellLine(['cgpu', 'cp', place, '.'])}`, 500),
  })
}

/** Reads a file; a link may lead to a folder. */
export async function readingFile<T>(work: Promise<T>, path: string, runtime: string): Promise<T> {
  return work.catch((error: unknown) => {
    throw remoteCode(error) === 'IS_DIRECTORY' ? notAFile(path, runtime) : error
  })
}

/** The same refusal of the machine, with what this command can do about it. */
export function withFix(error: unknown, fixes: Record<string, string>): unknown {
  const fix = fixes[remoteCode(error) ?? '']
  if (fix === undefined || !(error instanceof CgpuError)) return error
  const {message, code, category, exit, details} = error
  return new CgpuError(message, {code, category, exit, fix, cause: error, ...(details ? {details} : {})})
}
