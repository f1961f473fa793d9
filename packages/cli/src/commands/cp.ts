import {boolean, string as stringFlag} from '@oclif/core/flags'
import type {Cgpu} from '@cgpu/core/cgpu'
import {errors} from '@cgpu/core/errors'
import {isRemoteSource} from '@cgpu/core/fetch/plan'
import {formatBytes} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import {withEnv} from '@cgpu/plugin-sdk'
import {Copying, type Copied} from '../copying.ts'
import {type FetchedFile, fetchFlags, fetchTo} from '../fetch/fetching.ts'
import {copyingLine, counted} from '../render/copying.ts'
import {Progress} from '../render/progress.ts'
import {fixOfLocal, parsePlace, type Place} from '../run/place.ts'
import {WorkCommand} from '../work-command.ts'

/** Copies files and folders to, from and between runtimes. */
export default class Cp extends WorkCommand<Copied | FetchedFile> {
  static override description = `A relative PATH of NAME:PATH is below the runtime's working folder. A folder is copied whole: DIR becomes TARGET/DIR, and what is in DIR/ becomes what is in TARGET.
What is there already, by its size and time, is not sent again, so that a copy that was cut goes on when it is run again. Files are checked by their sha256 and appear whole or not at all.`
  static override examples = [
    {command: '<%= config.bin %> cp data.csv examples trainer: --exclude __pycache__', description: 'a file and a folder, to trainer:data.csv and trainer:examples'},
    {command: '<%= config.bin %> cp trainer:model.json .', description: 'back into this folder'},
    {command: '<%= config.bin %> cp trainer:data.csv - | head', description: 'into a pipe; cp - NAME:FILE takes what comes from one'},
    {command: '<%= config.bin %> cp https://data.example.com/data.csv trainer:', description: 'fetched by trainer itself'},
  ]
  static override flags = {...fetchFlags, ...withEnv({
    'dry-run': boolean({summary: 'only tell what would be copied'}),
    exclude: stringFlag({multiple: true, summary: 'leave out what matches, as in .gitignore', helpValue: 'PATTERN'}),
    follow: boolean({char: 'L', summary: 'copy what links point to'}),
    force: boolean({summary: 'copy also what is there already'}),
    include: stringFlag({multiple: true, summary: 'copy only what matches, as in .gitignore', helpValue: 'PATTERN'}),
    recursive: boolean({char: 'r', summary: 'as always: folders are copied whole'}),
  })}
  static override seeAlso = ['fs ls', 'run', 'drive mount']
  static override strict = false
  static override summary = 'copy files and folders to, from or between runtimes'
  static override usage = 'cp SOURCE… TARGET'

  async run(): Promise<Copied | FetchedFile> {
    const {argv, flags} = await this.parse(Cp)
    const address = argv.map(String).find(isRemoteSource)
    if (address !== undefined) return this.#fetch(address, argv.map(String), flags)
    const places = argv.map((text) => parsePlace(String(text)))
    const target = places.pop()
    if (!target || places.length === 0) throw errors.usage('copy what to where?', {code: 'USAGE', fix: 'cgpu cp SOURCE… TARGET, one of them NAME:PATH'})
    this.#refuseLocal(places, target)
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
    const abort = this.abortOnSignals()
    let copying: Copying | undefined
    try {
      const cgpu: Cgpu = await this.open(flags)
      const line = copyingLine(progress)
      copying = new Copying(cgpu, {
        flags: {include: flags.include, exclude: flags.exclude, follow: flags.follow, force: flags.force, dryRun: flags['dry-run']},
        signal: abort.signal, collect: this.jsonEnabled(),
        onWarning: (message) => {
          progress.clear()
          this.warn(message)
        },
        onPlan: ({files, folders, bytes}) => {
          if (folders > 0 && files > 1 && !flags['dry-run']) this.notice(`copying ${counted(files, bytes)}`)
        },
        onProgress: line,
        onPlanned: ({from, to, size}) => this.log(`${sanitizeLine(from)} -> ${sanitizeLine(to)} (${formatBytes(size)})`),
      })
      const copied = await copying.run(places, target)
      progress.done()
      if (flags['dry-run']) this.notice(wouldBe(copied))
      else if (target.path !== '-') this.notice(told(copied))
      return copied
    } finally {
      progress.done()
      abort.dispose()
      await copying?.close()
    }
  }

  async #fetch(address: string, argv: string[], flags: {header?: string[] | undefined}): Promise<FetchedFile> {
    const [source, target] = argv
    if (argv.length !== 2 || target === undefined || source !== address) {
      throw errors.usage('an address is fetched alone, by a runtime', {code: 'USAGE', fix: 'cgpu cp ADDRESS NAME:PATH'})
    }
    const abort = this.abortOnSignals()
    try {
      return await fetchTo(address, parsePlace(target), {
        host: this, open: () => this.open(flags), abort, headers: flags.header ?? [], quiet: this.quiet || this.jsonEnabled(), notice: (message) => this.notice(message),
      })
    } finally {
      abort.dispose()
    }
  }

  #refuseLocal(sources: Place[], target: Place): void {
    const stream = sources.some(isStream) || isStream(target)
    if (stream && (sources.length > 1 || (isStream(target) && this.jsonEnabled()))) {
      throw errors.usage('- stands alone, and not beside --json', {code: 'USAGE', fix: 'cgpu cp - NAME:PATH, or cgpu cp NAME:PATH -'})
    }
    if (target.runtime !== undefined || sources.every(({runtime}) => runtime !== undefined)) return
    throw errors.usage(sources.length === 1 ? 'both paths are local' : 'the target and some of the sources are local', {
      code: 'USAGE', fix: fixOfLocal([...sources, target].map(({path}) => path), 'one of them must be NAME:PATH: cgpu cp FILE NAME:PATH, or cgpu cp NAME:PATH FILE'),
    })
  }
}

function isStream({runtime, path}: Place): boolean {
  return runtime === undefined && path === '-'
}

function wouldBe({files, bytes, same}: Copied): string {
  const there = same === 0 ? '' : `; ${same} ${same === 1 ? 'is' : 'are'} there already`
  return `${files === 0 ? 'nothing' : counted(files, bytes)} would be copied${there}`
}

function told({to, files, bytes, same, single}: Copied): string {
  const there = same === 0 ? '' : single ? '' : `; ${same} ${same === 1 ? 'was' : 'were'} there already`
  if (single && same === 1) return `${sanitizeLine(to)} is there already, with the same size and time`
  const size = counted(files, bytes)
  return `${sanitizeLine(to)} (${single ? size.replace(/^1 file, /, '') : size}${there})`
}
