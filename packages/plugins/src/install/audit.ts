import semver from 'semver'
import {sanitizeLine} from '@cgpu/core/text/line'
import {type InstalledPlugin, type PluginInstaller, questionOf} from './installer.ts'
import {revocationOf} from './index-document.ts'
import type {MarketAnswer} from './marketplace.ts'
import {pickRelease} from './release.ts'

export interface AuditFinding {
  kind: 'advisory' | 'revoked' | 'policy' | 'taken-back' | 'deprecated' | 'outdated'
  /** true: it should not be used as it is */
  serious: boolean
  text: string
}

export interface AuditedPlugin {
  name: string
  version: string
  /** of it and of what it depends on; `unknown` is not `none` */
  advisories: 'none' | 'found' | 'unknown'
  findings: AuditFinding[]
}

/** Known holes, warnings, and what became of the versions that are installed. What nobody could tell is said to be unknown. */
export async function audit(installer: PluginInstaller, plugins: readonly InstalledPlugin[]): Promise<AuditedPlugin[]> {
  const packages = plugins.map((plugin) => ({plugin, used: usedBy(plugin)}))
  const asked = Object.groupBy(packages.flatMap(({used}) => used), ({name}) => name)
  const questions = Object.fromEntries(Object.entries(asked).map(([name, all = []]) => [name, [...new Set(all.map(({version}) => version))]]))
  const {cache} = installer
  const answers = cache.offline || plugins.length === 0 ? undefined : await cache.registry.advisories(questions).catch(() => undefined)
  // a policy that cannot be read is told below
  const {index} = await installer.marketIndex().catch((): MarketAnswer => ({warnings: []}))
  return Promise.all(packages.map(async ({plugin, used}) => {
    const holes = used.flatMap(({name, version}) => (answers?.[name] ?? [])
      .filter(({vulnerable_versions: range = '*'}) => semver.satisfies(version, range, {includePrerelease: true}))
      .map(({title, severity, url}): AuditFinding => ({kind: 'advisory', serious: true, text: sanitizeLine(`${name} ${version}: ${title}${severity === undefined ? '' : ` (${severity})`}${url === undefined ? '' : ` ${url}`}`, 400)})))
    const revoked = index && revocationOf(index, plugin.name, plugin.version)
    const findings = [...holes, ...(revoked === undefined ? [] : [{kind: 'revoked', serious: true, text: revoked} as const]), ...(await ofPolicy(installer, plugin)), ...(await ofRegistry(installer, plugin))]
    return {name: plugin.name, version: plugin.version, advisories: holes.length > 0 ? 'found' as const : answers && plugin.source !== 'link' ? 'none' as const : 'unknown' as const, findings}
  }))
}

function usedBy({name, version, dependencies}: InstalledPlugin): {name: string; version: string}[] {
  return [{name, version}, ...Object.keys(dependencies).map((one) => ({name: one.slice(0, one.lastIndexOf('@')), version: one.slice(one.lastIndexOf('@') + 1)}))]
}

async function ofPolicy(installer: PluginInstaller, plugin: InstalledPlugin): Promise<AuditFinding[]> {
  try {
    await installer.checkPolicy(questionOf(plugin, plugin.level === 'trusted'))
    return []
  } catch (error) {
    return [{kind: 'policy', serious: true, text: error instanceof Error ? error.message : String(error)}]
  }
}

async function ofRegistry({cache}: PluginInstaller, {name, version, source, want}: InstalledPlugin): Promise<AuditFinding[]> {
  if (source !== 'registry') return []
  const news = await cache.news(name).catch(() => undefined)
  if (!news) return []
  if (!Object.hasOwn(news.packument.versions, version)) return [{kind: 'taken-back', serious: true, text: `${version} was taken back by its publisher`}]
  const {deprecated} = pickRelease(news.packument, version)
  const newest = pickNewest(news.packument, want)
  return [
    ...(deprecated === undefined ? [] : [{kind: 'deprecated', serious: false, text: deprecated} as const]),
    ...(newest !== undefined && semver.gt(newest, version) ? [{kind: 'outdated', serious: false, text: `${newest} is there: cgpu plugins update ${name}`} as const] : []),
  ]
}

function pickNewest(packument: Parameters<typeof pickRelease>[0], want: string): string | undefined {
  try {
    return pickRelease(packument, want).version
  } catch {
    return undefined // the tag or the range that was followed is gone
  }
}
