import {execFileSync, spawn} from 'node:child_process'
import {createReadStream} from 'node:fs'
import {mkdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {generateKeys} from '@cgpu/updater'
import {type CliResult, repoRoot, sealedHome, type SealedHome} from './cli.ts'

/** What scripts/pack/site.mjs gives; its options are described there. */
interface Site {
  packInto(site: string, options: {
    target: string; node: boolean; version: string; commit: string; seconds: number; level?: number
    update: {url: string | null; keys: string[]}; only?: (path: string) => boolean; nodeFile?: string
  }): string
  release(site: string, options: {version: string; channel?: string; keys: string[]; rollout?: number; now?: number}): void
}

/** What a request gets instead of the file. */
export type Fault = (request: IncomingMessage, response: ServerResponse, file: string) => void

export const target = `${process.platform}-${process.arch}`
export const commit = 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00'
/** What can be started, but only to say its version: small, where it matters how an update goes and not what came. */
const tiny = (path: string): boolean => /^(package\.json|build\.json|bin\/run\.js|packages\/cli\/dist\/fast\/chunk-.*)$/.test(path)

/** A static update server with really packed versions, and an installation that was unpacked from one of them. */
export class UpdateBed {
  readonly home: SealedHome
  readonly site: string
  readonly keys = generateKeys()
  /** by a part of the path */
  readonly faults = new Map<string, Fault>()
  readonly requests: {path: string; range: string | undefined}[] = []
  readonly #server: Server
  readonly #pack: Site
  /** milliseconds between 16 KiB of a file; 0: at once */
  pace = 0

  private constructor(home: SealedHome, server: Server, pack: Site) {
    this.home = home
    this.site = join(home.path, 'site')
    this.#server = server
    this.#pack = pack
  }

  static async start(): Promise<UpdateBed> {
    const home = await sealedHome()
    const server = createServer()
    const pack = (await import(pathToFileURL(join(repoRoot, 'scripts/pack/site.mjs')).href)) as Site // a script without types
    const bed = new UpdateBed(home, server, pack)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    server.on('request', (request, response) => void bed.#answer(request, response))
    return bed
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/` // it listens on a port
  }

  get install(): string {
    return join(this.home.path, 'opt', 'cgpu')
  }

  /** Packs for this computer, all of the CLI or what is enough to be installed; `nodeFile`: with that as the Node inside. */
  pack(version: string, {whole = false, level = 1, id = commit, nodeFile}: {whole?: boolean; level?: number; id?: string; nodeFile?: string} = {}): string {
    return this.#pack.packInto(this.site, {target, node: nodeFile !== undefined, version, commit: id, seconds: 1_700_000_000, level, update: {url: this.url, keys: [this.keys.publicKey]}, ...(nodeFile === undefined ? {} : {nodeFile}), ...(whole ? {} : {only: tiny})})
  }

  release(version: string, channel?: string, more: {keys?: string[]; rollout?: number; now?: number} = {}): void {
    this.#pack.release(this.site, {version, keys: [this.keys.privateKey], ...(channel === undefined ? {} : {channel}), ...more})
  }

  /** As a person installs it: unpacked into an empty folder. */
  async unpack(file: string): Promise<void> {
    const folder = join(this.home.path, 'opt')
    await rm(folder, {recursive: true, force: true})
    await mkdir(folder)
    execFileSync('tar', ['-xzf', join(this.site, file), '-C', folder])
  }

  /** Runs the installed cgpu; `killAfter` ms it is killed. */
  async run(args: readonly string[], {env = {}, killAfter}: {env?: Record<string, string>; killAfter?: number} = {}): Promise<CliResult> {
    const child = spawn(join(this.install, 'bin', 'cgpu'), args, {cwd: this.home.cwd, env: {...this.home.env, CGPU_AUTOUPDATE: 'off', ...env}, stdio: ['ignore', 'pipe', 'pipe']})
    const chunks = {stdout: [] as Buffer[], stderr: [] as Buffer[]}
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (chunk: Buffer) => chunks[name].push(chunk))
    const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (status, signal) => {
        clearTimeout(timer)
        const bytes = Buffer.concat(chunks.stdout)
        resolve({status, signal, bytes, stdout: bytes.toString('utf8'), stderr: Buffer.concat(chunks.stderr).toString('utf8')})
      })
    })
  }

  /** The version that `cgpu` starts now. */
  async version(): Promise<string> {
    const {stdout, stderr} = await this.run(['--version'])
    return /^cgpu (\S+) /.exec(stdout)?.[1] ?? `none: ${stdout}${stderr}`
  }

  current(): Promise<string> {
    return readFile(join(this.install, 'current'), 'utf8').then((text) => text.trim())
  }

  /** Back to what was unpacked, whatever was installed since. */
  async reset(version: string): Promise<void> {
    this.faults.clear()
    this.requests.length = 0
    this.pace = 0
    await writeFile(join(this.install, 'current'), `${version}-${commit.slice(0, 8)}\n`)
    for (const name of ['state.json', 'state.json.bak', 'downloads', 'looked']) await rm(join(this.install, name), {recursive: true, force: true})
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.home.remove()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '', this.url).pathname.slice(1)
    this.requests.push({path, range: request.headers.range})
    const file = join(this.site, path)
    const fault = [...this.faults].find(([part]) => path.includes(part))?.[1]
    if (fault) return fault(request, response, file)
    const size = await stat(file).then((one) => one.size, () => undefined)
    if (size === undefined) return void response.writeHead(404).end('not here')
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start >= size) return void response.writeHead(416).end()
    response.writeHead(start > 0 ? 206 : 200, {'content-length': size - start, ...(start > 0 ? {'content-range': `bytes ${start}-${size - 1}/${size}`} : {})})
    for await (const chunk of createReadStream(file, {start, highWaterMark: 16_384})) {
      if (response.destroyed) return
      response.write(chunk)
      if (this.pace > 0) await new Promise((resolve) => setTimeout(resolve, this.pace))
    }
    response.end()
  }
}
