// Packages for other systems than this one, from the npm registry by npm itself, checked against the integrity that the lock names.
import {spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync, mkdirSync, readFileSync, renameSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {gunzipSync} from 'node:zlib'
import {root} from '../bundling.mjs'

const cache = join(root, 'node_modules/.cache/cgpu-pack')

/** The files of NAME@VERSION as a map of paths to bytes. Throws when the bytes are not those of `integrity` (sha512-…). */
export function fetchPackage(name, version, integrity) {
  const kept = join(cache, `${name.replaceAll('/', '-')}-${version}.tgz`)
  if (!existsSync(kept)) {
    mkdirSync(cache, {recursive: true})
    const packed = spawnSync('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', cache], {cwd: tmpdir(), encoding: 'utf8', shell: process.platform === 'win32'})
    if (packed.status !== 0) throw new Error(`npm pack ${name}@${version} failed: ${packed.stderr}`)
    renameSync(join(cache, packed.stdout.trim().split('\n').at(-1)), kept)
  }
  const bytes = readFileSync(kept)
  const actual = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  if (actual !== integrity) throw new Error(`${kept} is not ${name}@${version}: its integrity is ${actual}, not ${integrity}`)
  return filesOf(gunzipSync(bytes))
}

/** Plain files of a tar archive, without the first folder of their paths. */
function filesOf(tar) {
  const files = new Map()
  const text = (at, length) => tar.toString('utf8', at, at + length).replace(/\0.*$/s, '')
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const folder = text(at + 345, 155)
    const path = `${folder === '' ? '' : `${folder}/`}${text(at, 100)}`
    if (['0', ''].includes(text(at + 156, 1))) files.set(path.replace(/^[^/]+\//, ''), tar.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}
