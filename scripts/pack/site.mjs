// The folder that a static web server gives to `cgpu update`: archives, signed manifests, checksums.
import {createHash} from 'node:crypto'
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {channels, compareVersions, documentTypes, signEnvelope} from '@cgpu/updater'
import {readJson} from './closure.mjs'
import {layout} from './layout.mjs'
import {tarball} from './tar.mjs'

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
const day = 24 * 3600 * 1000
/** A channel's document is signed anew before, also when there is nothing new: a stale copy of it is then refused. */
const validDays = 180

function write(path, bytes) {
  mkdirSync(dirname(path), {recursive: true})
  writeFileSync(path, bytes)
}

/** Packs one archive with its SBOM into `site`. Options are those of `layout`, and `level` of the compression. Returns its path below `site`. */
export function packInto(site, {level, ...options}) {
  const {version, commit, seconds, target, node} = options
  const {entries, sbom} = layout(options)
  const name = `cgpu-${version}-${commit.slice(0, 8)}-${target}${node ? '' : '-no-node'}`
  const file = `versions/${version}/${name}.tar.gz`
  write(join(site, file), tarball(entries, {seconds, level}))
  write(join(site, `versions/${version}/${name}.cdx.json`), `${JSON.stringify(sbom, undefined, 2)}\n`)
  write(join(site, `versions/${version}/source.json`), `${JSON.stringify({version, commit, date: new Date(seconds * 1000).toISOString()})}\n`)
  return file
}

/** What is below versions/VERSION, as its buildmanifest describes it. */
export function releaseOf(site, version) {
  const folder = join(site, 'versions', version)
  const {commit, date} = readJson(join(folder, 'source.json'))
  const builds = {}
  const sums = []
  for (const name of readdirSync(folder).toSorted()) {
    const target = name.startsWith(`cgpu-${version}-${commit.slice(0, 8)}-`) ? name.slice(`cgpu-${version}-${commit.slice(0, 8)}-`.length) : ''
    if (!/\.(tar\.gz|cdx\.json)$/.test(target)) continue
    const bytes = readFileSync(join(folder, name))
    sums.push(`${sha256(bytes)}  ${name}\n`)
    if (target.endsWith('.tar.gz')) builds[target.slice(0, -'.tar.gz'.length)] = {file: `versions/${version}/${name}`, size: bytes.length, sha256: sha256(bytes)}
  }
  write(join(folder, 'SHA256SUMS'), sums.join(''))
  return {schema: 1, version, commit, released: date, builds}
}

const payloadOf = (path) => (existsSync(path) ? JSON.parse(Buffer.from(readJson(path).payload, 'base64').toString('utf8')) : undefined)

/**
 * Signs what was packed of a version, gives it to a channel, and writes the list of all versions. `keys`: private ones, as PEM. `rollout`: how many
 * per cent of the installations may take it by themselves. Without `channel` the version can be had by its number only.
 */
export function release(site, {version, channel, keys, rollout = 100, now = Date.now()}) {
  const manifest = releaseOf(site, version)
  const sign = (path, type, document) => write(join(site, path), `${JSON.stringify(signEnvelope(type, document, keys))}\n`)
  sign(`versions/${version}/buildmanifest.json`, documentTypes.release, manifest)
  const issued = new Date(now).toISOString()
  if (channel !== undefined) {
    const path = `channels/${channel}.json`
    const sequence = (payloadOf(join(site, path))?.sequence ?? 0) + 1
    sign(path, documentTypes.channel, {schema: 1, channel, sequence, issued, expires: new Date(now + validDays * day).toISOString(), rollout, release: manifest})
  }
  const given = Object.fromEntries(channels.map((name) => [name, payloadOf(join(site, `channels/${name}.json`))?.release.version]))
  const versions = readdirSync(join(site, 'versions'))
    .map((name) => payloadOf(join(site, 'versions', name, 'buildmanifest.json')))
    .filter((one) => one !== undefined)
    .map((one) => ({version: one.version, commit: one.commit, released: one.released, channels: channels.filter((name) => given[name] === one.version), targets: Object.keys(one.builds)}))
    .toSorted((a, b) => compareVersions(b.version, a.version))
  const sequence = (payloadOf(join(site, 'versions.json'))?.sequence ?? 0) + 1
  sign('versions.json', documentTypes.list, {schema: 1, sequence, issued, versions})
}
