import {spawn} from 'node:child_process'
import {readFile, rm, writeFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {isObject, isStringRecord, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {cannotWrite} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {RegistryConfig} from './npmrc.ts'

/** What the host provides, whatever a plugin brings (packages/cli/src/shell/host-sdk.ts). */
const provided = new Set(['@oclif/core', '@cgpu/plugin-sdk'])

export interface Wanted {
  dependencies: Record<string, string>
  optionalDependencies: Record<string, string>
}

/** What a plugin depends on beyond what it brings along and what the host gives it; undefined: nothing. */
export function wantedDependencies(pjson: JsonObject): Wanted | undefined {
  const bundled = pjson['bundleDependencies'] ?? pjson['bundledDependencies']
  const brought = new Set(Array.isArray(bundled) ? bundled : bundled === true ? Object.keys(pjson['dependencies'] ?? {}) : [])
  const of = (key: string): Record<string, string> => {
    const all = pjson[key]
    return isStringRecord(all) ? Object.fromEntries(Object.entries(all).filter(([name]) => !provided.has(name) && !brought.has(name))) : {}
  }
  const optionalDependencies = of('optionalDependencies')
  const dependencies = Object.fromEntries(Object.entries(of('dependencies')).filter(([name]) => !Object.hasOwn(optionalDependencies, name)))
  return Object.keys(dependencies).length + Object.keys(optionalDependencies).length === 0 ? undefined : {dependencies, optionalDependencies}
}

export interface NpmOptions {
  /** an empty folder: `node_modules` comes here */
  folder: string
  cacheDir: string
  registry: RegistryConfig
  offline: boolean
  env: NodeJS.ProcessEnv
  /** ends npm */
  signal: AbortSignal
}

/**
 * Lets npm put dependencies into a folder of their own, without running anything of theirs. Returns name@version -> integrity.
 * Throws PLUGIN_DEPENDENCIES (69), PLUGIN_DEPENDENCY_SOURCE (65).
 */
export async function installDependencies(wanted: Wanted, {folder, cacheDir, registry, offline, env, signal}: NpmOptions): Promise<Record<string, string>> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({private: true, ...wanted})).catch((error: unknown) => {
    throw cannotWrite(folder, error)
  })
  const npm = join(dirname(createRequire(import.meta.url).resolve('npm/package.json')), 'bin', 'npm-cli.js')
  const args = [
    npm, 'install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--no-bin-links', '--legacy-peer-deps', '--omit-lockfile-registry-resolved', '--allow-git=none',
    '--no-update-notifier', '--loglevel=error', `--cache=${join(cacheDir, 'plugins', 'npm')}`, offline ? '--offline' : '--prefer-offline', ...(registry.chosen ? [`--registry=${registry.registry}`] : []),
  ]
  const {status, output} = await run(args, {cwd: folder, env: npmEnv(env), signal})
  if (status !== 0) throw npmProblem(output)
  const lock = join(folder, 'package-lock.json')
  const pinned = pinsIn(parseJson(await readFile(lock, 'utf8')))
  await Promise.all([rm(lock), rm(join(folder, 'node_modules', '.package-lock.json'), {force: true})])
  return pinned
}

/** npm's own settings in the environment would be those of whoever started cgpu by npm; where packages come from is the user's. */
function npmEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = /^npm_config_(?:registry|userconfig|cafile|ca|proxy|https_proxy|noproxy|strict_ssl|before|min_release_age)$/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name)))
}

function run(args: string[], options: {cwd: string; env: NodeJS.ProcessEnv; signal: AbortSignal}): Promise<{status: number | null; output: string}> {
  return new Promise((resolve, reject) => {
    // npm goes on after a first SIGTERM
    const child = spawn(process.execPath, args, {...options, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true})
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-16_384)
      })
    }
    child.on('error', reject)
    child.on('close', (status) => resolve({status, output}))
  })
}

function npmProblem(output: string): Error {
  const code = /npm error code (\w+)/.exec(output)?.[1]
  const said = sanitizeLine(output.split('\n').filter((line) => line.startsWith('npm error') && !/code |A complete log/.test(line)).map((line) => line.replace(/^npm error ?/, '')).find((line) => line.trim() !== '') ?? 'npm failed', 300)
  if (code === 'ENOSPC') return errors.cannotWrite('the disk is full', {code: 'CANNOT_WRITE', fix: 'free some space'})
  const fix = code === 'ENOTCACHED' ? 'leave --offline out once' : 'try again; when it stays so, tell the plugin\'s publisher'
  return errors.network(`its dependencies cannot be installed: ${said}`, {code: 'PLUGIN_DEPENDENCIES', category: 'plugin', fix, retryable: true, details: {npm: code ?? null}})
}

/** Everything must come from a registry, with a checksum. */
function pinsIn(lock: unknown): Record<string, string> {
  const packages = isObject(lock) && isObject(lock['packages']) ? lock['packages'] : {}
  return Object.fromEntries(Object.entries(packages).flatMap(([path, entry]) => {
    if (path === '' || !isObject(entry) || entry['inBundle'] === true) return []
    const {version, integrity, resolved, link, name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)} = entry
    if (typeof integrity !== 'string' || resolved !== undefined || link === true) {
      throw errors.data(`it depends on ${sanitizeLine(String(name), 100)}, which comes from no registry`, {code: 'PLUGIN_DEPENDENCY_SOURCE', category: 'plugin', fix: 'nothing was installed; tell its publisher'})
    }
    return [[`${String(name)}@${String(version)}`, integrity] as const]
  }))
}
