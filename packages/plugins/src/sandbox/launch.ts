import {type ChildProcess, spawn} from 'node:child_process'
import {realpathSync} from 'node:fs'
import {dirname, extname, join} from 'node:path'
import type {Socket} from 'node:net'
import {fileURLToPath, pathToFileURL} from 'node:url'
import {bubblewrapArgs} from './bubblewrap.ts'
import type {Means} from './enforcement.ts'
import type {Reach} from './reach.ts'

/** Of Node's heap, and of the whole address space, of which Node takes most without using it. */
const heapMiB = 512
const addressSpaceKiB = 4 * 1024 * 1024

export interface Launched {
  process: ChildProcess
  /** the messages */
  channel: Socket
  /** ends it, and all that belongs to it, at once */
  kill(): void
}

/** What runs in the child, as this file is: compiled or from the sources. */
const own = fileURLToPath(import.meta.url)
const childFolder = join(dirname(own), 'child')
const childMain = join(childFolder, `main${extname(own)}`)
/** tells Node that these files are modules */
const packageFile = join(dirname(own), '..', '..', 'package.json')
/** Of the SDK and of what it stands on, the files: what a plugin is given of them is theirs. */
const shared = ['@cgpu/plugin-sdk/sandbox', '@cgpu/core/errors'].map(name => dirname(fileURLToPath(import.meta.resolve(name))))

/** Starts Node for a plugin, which may read what is in its reach and nothing else. Nothing of the plugin runs before it is told to. */
export function launch(root: string, {folders: readable, links}: Reach, means: Means): Launched {
  const folders = shared.map(folder => realpathSync(folder))
  const files = [realpathSync(childFolder), realpathSync(packageFile), ...folders, ...folders.map(folder => join(dirname(folder), 'package.json')), ...readable]
  const node = realpathSync(process.execPath)
  const env = {LANG: 'C.UTF-8', NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json', PATH: '/usr/bin:/bin', HOME: root}
  const command = [
    node, '--permission', '--no-experimental-sqlite', '--disable-sigusr1', '--freeze-flags-after-init', '--no-warnings', `--max-old-space-size=${heapMiB}`,
    ...(extname(own) === '.ts' ? ['--conditions=cgpu-source'] : []),
    ...[...files, ...links.map(({at}) => at)].map(path => `--allow-fs-read=${path}`), realpathSync(childMain), ...folders.map(folder => pathToFileURL(folder).href),
  ]
  const wrapped = means.bwrap === undefined ? command : [means.bwrap, ...bubblewrapArgs({readable: [node, ...files], links, cwd: root, env}), ...command]
  const unix = means.platform !== 'win32'
  // the limits are inherited, and no program can raise them again
  const [file = node, ...args] = unix ? ['/bin/sh', '-c', `ulimit -c 0; ulimit -v ${addressSpaceKiB} 2>/dev/null; exec "$@"`, 'sh', ...wrapped] : wrapped
  const child = spawn(file, args, {cwd: root, env: {...env, ...systemRoot()}, detached: unix, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], windowsHide: true})
  child.on('error', () => {}) // it has no pid then, and ends: whoever waits for that is told
  const {pid} = child
  const endWatch = unix && means.bwrap === undefined && pid !== undefined ? watchdog(pid) : () => undefined
  child.once('exit', endWatch)
  return {
    process: child, channel: child.stdio[3] as Socket, // a pipe both ways, as it was asked for
    kill: () => {
      try {
        if (unix && pid !== undefined) process.kill(-pid, 'SIGKILL')
        else child.kill('SIGKILL')
      } catch {
        // it is over
      }
    },
  }
}

/** Windows cannot start a process without it. */
function systemRoot(): Record<string, string> {
  const root = process.env['SYSTEMROOT']
  return root === undefined ? {} : {SYSTEMROOT: root}
}

/** A shell that waits for this process's end, also by SIGKILL, which closes its stdin, and then ends the child's group. */
function watchdog(pid: number): () => void {
  const dog = spawn('/bin/sh', ['-c', `read _; kill -9 -${pid}`], {detached: true, env: {PATH: '/usr/bin:/bin'}, stdio: ['pipe', 'ignore', 'ignore']})
  dog.on('error', () => {})
  dog.unref()
  const {stdin} = dog
  stdin.on('error', () => {})
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  return () => void dog.kill('SIGKILL')
}
