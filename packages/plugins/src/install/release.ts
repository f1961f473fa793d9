import {errors} from '@cgpu/core/errors'
import {didYouMean} from '@cgpu/core/text/closest'
import {sanitizeLine} from '@cgpu/core/text/line'
import semver from 'semver'
import type {Packument, VersionDocument} from './registry.ts'
import {versionDocument} from './registry.ts'

/** One version, with what helps to decide on it. */
export interface Release {
  name: string
  version: string
  document: VersionDocument
  /** ISO time; undefined: the registry does not say */
  publishedAt: string | undefined
  publisher: string | undefined
  licence: string | undefined
  /** why it should not be used any more, in its author's words */
  deprecated: string | undefined
}

/** Throws PLUGIN_VERSION_YANKED, PLUGIN_VERSION_NOT_FOUND (66). */
export function pickRelease(packument: Packument, want: string): Release {
  const {name, versions, time} = packument
  const version = chosenVersion(packument, want)
  if (version !== undefined && Object.hasOwn(versions, version)) {
    const parsed = versionDocument.safeParse(versions[version])
    if (parsed.success && parsed.data.name === name && parsed.data.version === version) return describe(packument, parsed.data)
    throw errors.data(`the registry describes ${name} ${version} in a way that cannot be understood`, {code: 'PLUGIN_DOCUMENT', category: 'plugin', fix: 'use another version, or another registry with --registry'})
  }
  const shown = sanitizeLine(want, 100)
  if (semver.valid(want) && Object.hasOwn(time, want)) {
    throw errors.notFound(`${name} ${shown} was taken back by its publisher`, {code: 'PLUGIN_VERSION_YANKED', category: 'plugin', fix: `cgpu plugins install ${name}`})
  }
  // a tag may have stayed with a version that is gone
  const known = [...Object.entries(packument['dist-tags']).flatMap(([tag, to]) => (Object.hasOwn(versions, to) ? [tag] : [])), ...Object.keys(versions)]
  throw errors.notFound(`${name} has no version ${shown}`, {
    code: 'PLUGIN_VERSION_NOT_FOUND', category: 'plugin', fix: didYouMean(want, known) ?? there(name, packument), details: {versions: Object.keys(versions).slice(-20)},
  })
}

/** What shows the versions that there are: where no tag says which is the latest, one has to be named. */
function there(name: string, {versions, 'dist-tags': {latest = ''}}: Packument): string {
  if (Object.hasOwn(versions, latest)) return `cgpu plugins info ${name}`
  const newest = semver.maxSatisfying(Object.keys(versions), '*', {includePrerelease: true})
  return newest === null ? 'cgpu plugins search' : `cgpu plugins info ${name}@${newest}`
}

function chosenVersion({versions, ...packument}: Packument, want: string): string | undefined {
  const tags = packument['dist-tags']
  if (Object.hasOwn(tags, want)) return tags[want]
  const exact = semver.valid(want)
  if (exact !== null) return exact
  if (semver.validRange(want) === null) return undefined
  const kept = Object.entries(versions).filter(([, document]) => !(document as {deprecated?: unknown} | null)?.deprecated).map(([version]) => version) // any of it may be missing
  const latest = tags['latest']
  // as npm: what its author calls the latest, where it fits
  if (latest !== undefined && kept.includes(latest) && semver.satisfies(latest, want)) return latest
  return semver.maxSatisfying(kept, want) ?? semver.maxSatisfying(Object.keys(versions), want) ?? undefined
}

function describe({time, name}: Packument, document: VersionDocument): Release {
  const published = time[document.version]
  const {license, deprecated} = document
  const line = (value: string | undefined): string | undefined => (value === undefined || value === '' ? undefined : sanitizeLine(value, 200))
  return {
    name, version: document.version, document,
    publishedAt: typeof published === 'string' && !Number.isNaN(Date.parse(published)) ? new Date(published).toISOString() : undefined,
    publisher: line(document._npmUser ?? document.maintainers?.[0]),
    licence: line(typeof license === 'string' ? license : license?.type),
    deprecated: deprecated === undefined || deprecated === false || deprecated === '' ? undefined : line(typeof deprecated === 'string' ? deprecated : 'it is deprecated'),
  }
}
