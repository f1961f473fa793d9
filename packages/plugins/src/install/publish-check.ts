import {spawn} from 'node:child_process'
import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {CgpuError, errors, ExitCode} from '@cgpu/core/errors'
import {isObject, isStringRecord, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type CheckedPackage, checkPackage, type Host, noPluginIn} from './check.ts'
import {dangerOf} from './consent.ts'
import type {Registry} from './registry.ts'
import {exists} from './tree.ts'

/** `error`: cgpu would refuse to install it. */
export interface Finding {
  level: 'error' | 'warning'
  code: string
  message: string
  fix: string
}

export interface PublishCheck {
  name: string | null
  version: string | null
  /** what npm would pack */
  files: string[]
  bytes: number
  findings: Finding[]
}

/** Looks at a plugin as `cgpu plugins install` will. Nothing is published, no script is run. Throws PLUGIN_NOT_FOUND (66), PLUGIN_NOT_ONE (65). */
export async function checkForPublishing(folder: string, host: Host, registry: Registry | undefined): Promise<PublishCheck> {
  // npm would look for one in the folders above
  if (!(await exists(join(folder, 'package.json')))) throw noPluginIn(folder)
  const {files, bytes} = await packList(folder)
  const read = (path: string): Promise<string | undefined> => readFile(join(folder, path), 'utf8').catch(() => undefined)
  let checked: CheckedPackage
  try {
    checked = await checkPackage(files, (path) => (files.includes(path) ? read(path) : Promise.resolve(undefined)), host)
  } catch (error) {
    if (!(error instanceof CgpuError)) throw error
    return {name: null, version: null, files, bytes, findings: [{level: 'error', code: error.code, message: error.message, fix: error.fix ?? ''}]}
  }
  const {name, version} = checked
  const findings = [...refused(checked), ...advised(checked, files)]
  const published = await registry?.packument(name).catch((error: unknown) => {
    // one that cannot be reached keeps nobody from publishing
    if (error instanceof CgpuError && error.exit === ExitCode.usage) throw error
    return undefined
  })
  if (published && (Object.hasOwn(published.versions, version) || Object.hasOwn(published.time, version))) {
    findings.push({level: 'error', code: 'VERSION_TAKEN', message: `${name} ${version} is published already`, fix: 'npm version patch'})
  }
  return {name, version, files, bytes, findings}
}

function refused({commands, contract, pjson}: CheckedPackage): Finding[] {
  const all: (Finding | false)[] = [
    commands === undefined && {level: 'error', code: 'NO_MANIFEST', message: 'oclif.manifest.json is not packed: its commands are unknown before it is trusted', fix: 'cgpu plugins manifest, and name it in "files" of package.json'},
    contract === undefined && {level: 'error', code: 'NO_CONTRACT', message: 'package.json has no "cgpu": it declares no contract and no capabilities', fix: 'add "cgpu": {"contract": 1, "capabilities": []}'},
    pjson['private'] === true && {level: 'error', code: 'PRIVATE', message: 'package.json says "private": npm will not publish it', fix: 'remove "private" from package.json'},
  ]
  return all.filter((one) => one !== false)
}

function advised({name, pjson, scripts, capabilities}: CheckedPackage, files: readonly string[]): Finding[] {
  const dependencies = isStringRecord(pjson['dependencies']) ? Object.keys(pjson['dependencies']) : []
  const brought = dependencies.filter((one) => one === '@oclif/core' || one === '@cgpu/plugin-sdk')
  const secret = files.find((path) => /(?:^|\/)(?:\.env(?:\..+)?|\.npmrc|id_(?:rsa|ed25519)|.*\.pem)$/.test(path))
  const keywords = Array.isArray(pjson['keywords']) ? pjson['keywords'] : []
  const dangers = capabilities.flatMap((one) => dangerOf(one) ?? [])
  const all: (Finding | false)[] = [
    secret !== undefined && {level: 'error', code: 'SECRET_FILE', message: `${sanitizeLine(secret, 100)} would be published`, fix: 'leave it out of "files" in package.json'},
    scripts.some((one) => one !== 'prepare') && {level: 'warning', code: 'INSTALL_SCRIPTS', message: `its scripts ${scripts.join(', ')} are never run by cgpu`, fix: 'do without them'},
    brought.length > 0 && {level: 'warning', code: 'HOST_PROVIDED', message: `cgpu provides ${brought.join(' and ')}: as dependencies they are only downloaded`, fix: 'move them to "peerDependencies", optional in "peerDependenciesMeta"'},
    !keywords.includes('cgpu-plugin') && {level: 'warning', code: 'NO_KEYWORD', message: 'cgpu plugins search will not find it', fix: 'add "cgpu-plugin" to "keywords" in package.json'},
    typeof pjson['license'] !== 'string' && {level: 'warning', code: 'NO_LICENCE', message: 'package.json names no licence', fix: 'add "license" to package.json'},
    !files.some((path) => /^readme(?:\.md)?$/i.test(path)) && {level: 'warning', code: 'NO_README', message: 'it has no README', fix: 'write one: people read it before they install'},
    pjson['repository'] === undefined && {level: 'warning', code: 'NO_REPOSITORY', message: 'package.json names no repository, so npm cannot attest where it was built', fix: 'add "repository" to package.json'},
    !name.includes('cgpu') && {level: 'warning', code: 'NAME', message: `${name} does not say that it is a plugin of cgpu`, fix: 'call it cgpu-plugin-NAME, or @scope/cgpu-plugin-NAME'},
    dangers.length > 0 && {level: 'warning', code: 'DANGEROUS', message: `it asks for ${[...new Set(dangers)].join(', ')}: nobody gets it by --yes alone`, fix: 'ask for less, if it can do with less'},
  ]
  return all.filter((one) => one !== false)
}

/** What npm would pack. Throws PLUGIN_NOT_ONE (65). */
async function packList(folder: string): Promise<{files: string[]; bytes: number}> {
  const npm = join(dirname(createRequire(import.meta.url).resolve('npm/package.json')), 'bin', 'npm-cli.js')
  const child = spawn(process.execPath, [npm, 'pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error', '--no-update-notifier'], {cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true})
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-4096)
  })
  await new Promise<void>((resolve, reject) => child.on('error', reject).on('close', () => resolve()))
  try {
    const value = parseJson(out)
    const [packed] = Array.isArray(value) ? value : []
    if (isObject(packed) && Array.isArray(packed['files'])) return {files: packed['files'].flatMap((one) => (isObject(one) && typeof one['path'] === 'string' ? [one['path']] : [])), bytes: Number(packed['size'])}
  } catch {
    // npm said why
  }
  throw errors.data(`npm cannot pack it: ${sanitizeLine(err.split('\n').find((line) => line.startsWith('npm error') && !line.includes(' code ')) ?? 'it has no package.json', 300)}`, {code: 'PLUGIN_NOT_ONE', category: 'plugin', fix: 'give the folder of a plugin'})
}
