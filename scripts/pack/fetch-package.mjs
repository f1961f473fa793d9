// Packages for other systems than this one, and the Node inside: from the npm registry by npm itself, checked against a pinned integrity, and kept.
import {spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join, resolve} from 'node:path'
import {gunzipSync} from 'node:zlib'
import {root} from '../bundling.mjs'
import {readTar} from './tar.mjs'

/** It cannot be had now: no network, or a mirror without it. What needs it is left out, the rest is packed. */
export class PackageUnavailable extends Error {}

const kept = () => resolve(process.env.CGPU_PACK_CACHE || join(root, 'node_modules/.cache/cgpu-pack'))
const integrityOf = (path) => `sha512-${createHash('sha512').update(readFileSync(path)).digest('base64')}`

/**
 * The files of NAME@VERSION as a map of paths to bytes. `integrity`: sha512-…. CGPU_PACK_MIRROR names another registry than npm's own, or a folder
 * that holds NAME-VERSION.tgz. Throws PackageUnavailable, and an error when it is something else than what was pinned.
 */
export function fetchPackage(name, version, integrity) {
  const file = `${name.replace('@', '').replaceAll('/', '-')}-${version}.tgz`
  const path = join(kept(), file)
  if (!existsSync(path) || integrityOf(path) !== integrity) fetchTo(path, file, {name, version, integrity})
  return filesOf(gunzipSync(readFileSync(path)))
}

/** What is not what was pinned never gets the name under which it would be used. */
function fetchTo(path, file, {name, version, integrity}) {
  mkdirSync(kept(), {recursive: true})
  const folder = mkdtempSync(join(kept(), '.fetching-'))
  try {
    const mirror = process.env.CGPU_PACK_MIRROR
    const fetched = mirror && !/^https?:/.test(mirror) ? copyFrom(resolve(mirror), file, folder) : download(`${name}@${version}`, mirror, folder)
    const actual = integrityOf(fetched)
    if (actual !== integrity) throw new Error(`what was fetched is not ${name}@${version}: its integrity is ${actual}, not ${integrity}`)
    renameSync(fetched, path)
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

function copyFrom(mirror, file, folder) {
  if (!existsSync(join(mirror, file))) throw new PackageUnavailable(`there is no ${file} in ${mirror}`)
  copyFileSync(join(mirror, file), join(folder, file))
  return join(folder, file)
}

/** npm knows the proxy, the certificates and the credentials of this computer, and has a cache of its own. */
function download(spec, registry, folder) {
  const args = ['pack', spec, '--loglevel=error', '--prefer-offline', '--pack-destination', folder, ...(registry ? ['--registry', registry] : [])]
  const {status, stderr, error} = spawnSync('npm', args, {cwd: tmpdir(), encoding: 'utf8', shell: process.platform === 'win32'})
  const [name] = readdirSync(folder)
  if (status !== 0 || name === undefined) throw new PackageUnavailable(`npm pack ${spec} failed: ${error?.message ?? (stderr.trim().split('\n')[0] || `status ${status}`)}`)
  return join(folder, name)
}

/** Without the first folder of their paths. */
function filesOf(tar) {
  return new Map([...readTar(tar)].filter(({type}) => type === 'file').map(({path, body}) => [path.replace(/^[^/]+\//, ''), body]))
}
