import {errors} from '@cgpu/core/errors'
import semver from 'semver'
import {isPackageName} from './name.ts'
import {shownAddress} from './shown-address.ts'

/** What was typed behind `cgpu plugins install`. */
export type Spec =
  /** `want`: a tag, a version or a range */
  | {kind: 'registry'; name: string; want: string}
  /** a file, or an https address */
  | {kind: 'tarball'; from: string}
  /** `ref`: a branch, a tag or a commit */
  | {kind: 'git'; url: string; ref: string | undefined}

/** Throws PLUGIN_SPEC (64). */
export function parseSpec(typed: string): Spec {
  const shown = shownAddress(typed, 200)
  const wrong = (why: string, fix: string) => errors.usage(`${why}: ${shown}`, {code: 'PLUGIN_SPEC', category: 'plugin', fix})
  const git = /^(?:git\+(?<url>(?:https|ssh|file):\/\/[^#\s]+)|github:(?<slug>[\w.-]+\/[\w.-]+))(?:#(?<ref>[\w./-]+))?$/.exec(typed)?.groups
  if (git) return {kind: 'git', url: git['url'] ?? `https://github.com/${git['slug']}.git`, ref: git['ref']}
  if (/^(?:git\+|git:|github:|gitlab:|bitbucket:)/.test(typed)) throw wrong('not an address of a git repository', 'cgpu plugins install git+https://HOST/OWNER/REPOSITORY.git#TAG')
  if (/^https?:\/\//.test(typed) && !URL.canParse(typed)) throw wrong('not an address', 'give a name of the registry, or an https address of a tarball')
  if (/^https:\/\/\S+$/.test(typed) || /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)[:/]\S+$/.test(typed)) return {kind: 'tarball', from: typed}
  if (/^[a-z]+:\/\//.test(typed)) throw wrong('plugins are not fetched from there', 'give a name of the registry, or an https address of a tarball')
  const file = typed.replace(/^file:/, '')
  if (/\.(?:tgz|tar\.gz)$/.test(file)) return {kind: 'tarball', from: file}
  if (typed.startsWith('file:') || /^(?:\.{0,2}\/|~|[a-zA-Z]:\\)/.test(typed)) throw wrong('a folder is linked, not installed', `cgpu plugins link ${shown.replace(/^file:/, '')}`)
  const at = typed.indexOf('@', 1)
  const name = at === -1 ? typed : typed.slice(0, at)
  const want = at === -1 ? 'latest' : typed.slice(at + 1)
  if (!isPackageName(name)) throw wrong('not the name of a package', 'cgpu plugins search')
  if (want === '' || (semver.validRange(want) === null && !/^[\w.-]+$/.test(want))) throw wrong('not a version, a range or a tag', `cgpu plugins info ${name}`)
  return {kind: 'registry', name, want}
}
