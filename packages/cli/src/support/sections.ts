import {release, type as systemType} from 'node:os'
import {listDebugLogs, readDebugLogs} from '@cgpu/core/debug/logs'
import {FolderDefaults} from '@cgpu/core/config/folder'
import {resolveSettings} from '@cgpu/core/config/resolve'
import {findSetting} from '@cgpu/core/config/settings'
import {HistoryRedactor} from '@cgpu/core/history/redact'
import {commandOf} from '@cgpu/core/job/record'
import {JobStore} from '@cgpu/core/job/store'
import {RecordStore} from '@cgpu/core/runtime/store'
import {runCheck} from '../doctor/check.ts'
import {checks} from '../doctor/checks.ts'
import type {BundleInput, Section} from './bundle.ts'
import {daemonLog, historyEntries, installedPlugins, stateFiles} from './files.ts'

/** `name: value` for what there is. */
const fields = (values: Record<string, unknown>): string =>
  Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '').map(([name, value]) => `${name}=${String(value)}`).join('  ')

async function versions({version, nodeVersion, env, dirs}: BundleInput): Promise<string[]> {
  return [
    `cgpu ${version}`, `node ${nodeVersion}`, `system ${systemType()} ${release()} ${process.arch}`, `locale ${env['LC_ALL'] ?? env['LANG'] ?? 'not set'}`,
    `config ${dirs.config}`, `data ${dirs.data}`, `cache ${dirs.cache}`,
  ]
}

async function doctor(input: BundleInput): Promise<string[]> {
  const results = await Promise.all(checks.map((check) => runCheck(check, input)))
  return results.flatMap(({title, state, message, fix}) => [`${state}  ${title}: ${message}`, ...(fix === undefined ? [] : [`  fix: ${fix}`])])
}

/** Whose account it is and where sign-ins go is not for others to read. */
async function settings({env, cwd, dirs}: BundleInput): Promise<string[]> {
  const warnings: string[] = []
  const onWarning = (message: string): void => void warnings.push(`warning: ${message}`)
  const folderRuntime = await new FolderDefaults(dirs.state, {onWarning}).get(cwd)
  const {all} = await resolveSettings({env, cwd, configDir: dirs.config, folderRuntime, onWarning})
  const set = all.filter(({value}) => value !== undefined)
  const shown = ({key, value, source}: (typeof set)[number]): string =>
    source !== 'default' && (key === 'account' || findSetting(key)?.personal) ? '[set]' : String(value)
  return [...set.map((one) => `${one.key} = ${shown(one)}  (${one.origin})`), ...warnings]
}

async function runtimes({dirs}: BundleInput): Promise<string[]> {
  const records = await new RecordStore(dirs.state).list()
  return records.map(({id, name, provider, origin, accelerator, createdAt, ephemeral, verifiedAt, lease, endpointUrl, kernels}) => `${name}  ${fields({
    id, provider, origin, accelerator: accelerator.id, createdAt, ephemeral, verifiedAt, lease: lease?.seconds, url: withoutQuery(endpointUrl), kernels: Object.keys(kernels).join(','),
  })}`)
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '')
}

async function jobs({dirs, code}: BundleInput): Promise<string[]> {
  const records = await new JobStore(dirs.state).list()
  return records.slice(0, 50).map(({id, createdAt, runtime, seen, detached, retryOf, request}) => `${id}  ${fields({
    createdAt, runtime: runtime.name, provider: runtime.provider, state: seen?.state, exit: seen?.exitStatus, signal: seen?.signal, seenAt: seen?.at, detached, retryOf,
    command: code ? JSON.stringify(new HistoryRedactor().args(commandOf(request))) : undefined,
  })}`)
}

/** `program` is what the command was given to run. */
async function debugLogs({dirs, code}: BundleInput): Promise<string[]> {
  if ((await listDebugLogs(dirs.state)).length === 0) return []
  const logs = await readDebugLogs(dirs.state, 5)
  return logs.flatMap(({id, text}) => [`### ${id}`, '', ...text.trimEnd().split('\n').filter((line) => code || !line.startsWith('program: ')), ''])
}

/** Names only: values of variables hold secrets. */
async function environment({env}: BundleInput): Promise<string[]> {
  return Object.keys(env).filter((name) => name.startsWith('CGPU_') || /^(https?|all|no)_proxy$/i.test(name)).sort()
}

/** In the order in which they are shown. */
export const sections: readonly Section[] = [
  {title: 'versions', collect: versions},
  {title: 'checks', collect: doctor},
  {title: 'settings', collect: settings},
  {title: 'plugins', collect: installedPlugins},
  {title: 'runtimes', collect: runtimes},
  {title: 'jobs', collect: jobs},
  {title: 'history', collect: historyEntries},
  {title: 'debug logs', collect: debugLogs},
  {title: 'daemon log', collect: daemonLog},
  {title: 'state folder', collect: stateFiles},
  {title: 'environment', collect: environment},
]
