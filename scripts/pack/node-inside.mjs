// The Node that an archive holds: from its npm package, or from an archive of nodejs.org, where the registry has none for that system.
import {createHash} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {gunzipSync} from 'node:zlib'
import {root} from '../bundling.mjs'
import {systemOf} from './check.mjs'
import {readJson} from './closure.mjs'
import {fetchPackage} from './fetch-package.mjs'
import {readTar} from './tar.mjs'

/** An archive that was given and cannot be used. */
export class WrongNodeArchive extends Error {}

export const nodeBuilds = readJson(join(root, 'scripts/pack/node.json'))

/**
 * {files: path -> bytes, about: {version, purl, integrity}}. `archive`: a path, `node-vVERSION-TARGET.tar.gz` as nodejs.org makes it; whoever gives it
 * has compared it with nodejs.org's SHASUMS256.txt.
 */
export function nodeFor(target, archive) {
  const {version} = nodeBuilds
  const name = target.startsWith('win32') ? 'node.exe' : 'node'
  const found = archive === undefined ? fromPackage(target) : fromArchive(archive, target)
  const {program, licence, ...about} = found
  return {files: new Map([[`bin/${name}`, program], ...(licence ? [['bin/node.LICENSE', licence]] : [])]), about: {version, ...about}}
}

function fromPackage(target) {
  const build = nodeBuilds.targets[target]
  if (!build) throw new Error(`there is no Node ${nodeBuilds.version} for ${target} in the npm registry: pack it without, or give its archive: --node-archive ${target}=FILE`)
  const files = fetchPackage(build.package, nodeBuilds.version, build.integrity)
  return {program: files.get(build.file), licence: files.get('LICENSE'), purl: `pkg:npm/${build.package}@${nodeBuilds.version}`, integrity: build.integrity}
}

function fromArchive(file, target) {
  const {version} = nodeBuilds
  const folder = `node-v${version}-${target}`
  const wrong = (why) => new WrongNodeArchive(`${file} is not ${folder}.tar.gz: ${why}`)
  let bytes
  let entries
  try {
    bytes = readFileSync(file)
    entries = [...readTar(gunzipSync(bytes))]
  } catch (error) {
    throw wrong(error.message)
  }
  const at = (path) => entries.find((one) => one.type === 'file' && one.path === `${folder}/${path}`)?.body
  const program = at('bin/node')
  if (!program) throw wrong(`there is no ${folder}/bin/node in it`)
  if (systemOf(program) !== target) throw wrong(`its program is for ${systemOf(program) ?? 'no system that is known'}`)
  return {program, licence: at('LICENSE'), purl: `pkg:generic/node@${version}`, integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`}
}
