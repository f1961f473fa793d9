import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {readFile, rename, utimes} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {tempSuffix, writeAtomic} from '@cgpu/core/state/atomic'
import {makeFolder} from '@cgpu/core/state/make-folder'
import {uniqueTag} from '@cgpu/core/state/token'
import {cannotWrite} from '@cgpu/core/state/write-error'
import type {Build, Release} from './documents.ts'
import {download} from './download.ts'
import {buildId, type Installation} from './installation.ts'
import {refused} from './problems.ts'
import {textIn, unpack} from './unpack.ts'
import type {UpdateProgress} from './updater.ts'

export interface InstallRequest {
  installation: Installation
  release: Release
  build: Build
  /** of the archive */
  url: URL
  patience: number
  signal?: AbortSignal | undefined
  onProgress?: ((progress: UpdateProgress) => void) | undefined
}

/** The programs of `bin/` that start the current version; they hardly ever change. */
const launchers = ['cgpu', 'cgpu.cmd']

/**
 * Puts a version beside the others: downloaded, checked, unpacked under a temporary name, tried, and only then given its name. The
 * version in use stays. `fresh` false: it was there.
 */
export async function install({installation, release, build, url, patience, signal, onProgress}: InstallRequest): Promise<{id: string; fresh: boolean; resumed: number}> {
  const id = buildId(release.version, release.commit)
  const target = installation.folderOf(id)
  if (existsSync(target)) return {id, fresh: false, resumed: 0}
  const part = installation.partOf(build.sha256)
  const {resumed} = await download(url, build, part, {patience, signal, onProgress: (done, total) => onProgress?.({step: 'downloading', done, total})})
  onProgress?.({step: 'unpacking'})
  const temp = join(installation.versionsDir, `.${id}.${uniqueTag()}${tempSuffix}`)
  await makeFolder(temp)
  await unpack(part, `cgpu/versions/${id}/`, temp)
  onProgress?.({step: 'trying'})
  await tryOut(temp, release.version)
  // its age is that of this installation, not of the release
  await utimes(join(temp, 'build.json'), new Date(), new Date()).catch(() => undefined)
  await refreshLaunchers(installation, part)
  await rename(temp, target).catch((error: unknown) => {
    throw cannotWrite(target, error)
  })
  await installation.clearDownloads()
  return {id, fresh: true, resumed}
}

/** Starts it once: a Node or a file that does not fit this computer must not become the version in use. Throws UPDATE_BROKEN (65). */
async function tryOut(folder: string, version: string): Promise<void> {
  const own = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  const {NODE_OPTIONS: _, ...env} = process.env
  const run = promisify(execFile)
  const printed = await run(existsSync(own) ? own : process.execPath, ['--', join(folder, 'bin', 'run.js'), '--version'], {env, timeout: 60_000}).then(({stdout}) => stdout, (error: unknown) => {
    throw refused.broken(version, error instanceof Error ? (error.message.split('\n').find(line => /error|cannot/i.test(line)) ?? error.message) : String(error))
  })
  if (!printed.startsWith(`cgpu ${version} `)) throw refused.broken(version, `it calls itself "${printed.trim()}"`)
}

async function refreshLaunchers(installation: Installation, archive: string): Promise<void> {
  for (const name of launchers) {
    const path = join(installation.home, 'bin', name)
    const text = await textIn(archive, `cgpu/bin/${name}`)
    if (text !== undefined && text !== (await readFile(path, 'utf8').catch(() => undefined))) await writeAtomic(path, text, {mode: 0o755})
  }
}
