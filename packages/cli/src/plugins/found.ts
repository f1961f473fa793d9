import {sanitizeLine} from '@cgpu/core/text/line'
import type {MarketIndex} from '@cgpu/plugins/install'

export interface FoundPlugin {
  id: string
  name: string
  version: string | null
  description: string | null
  publisher: string | null
  publishedAt: string | null
  /** of the last month */
  downloads: number | null
  /** it stands in the curated index */
  curated: boolean
  /** why it must not be used, in all of its versions, as the curated index says */
  revoked: string | null
  /** how it may run, where it is installed; core: it comes along */
  state: 'trusted' | 'untrusted' | 'core' | null
}

/** A hit of a registry's search. */
interface Hit {
  package: {name: string; version?: string | undefined; 'dist-tags'?: {latest: string} | undefined; description?: string | undefined; date?: string | undefined; publisher?: {username?: string | undefined} | undefined}
  downloads?: {monthly?: number | undefined} | undefined
}

const line = (text: string | undefined): string | null => (text === undefined ? null : sanitizeLine(text, 300))

/** What a registry and the curated index know together: what the index recommends first, what it warns of last. */
export function foundPlugins(hits: readonly Hit[], index: MarketIndex | undefined, words: string, states: ReadonlyMap<string, FoundPlugin['state']>): FoundPlugin[] {
  const curated = index && !index.expired ? index.plugins : []
  const known = (name: string): Pick<FoundPlugin, 'id' | 'name' | 'curated' | 'revoked' | 'state'> => ({
    id: name, name, curated: curated.some((one) => one.name === name), revoked: line(index?.revoked.find((one) => one.name === name && one.versions === '*')?.reason), state: states.get(name) ?? null,
  })
  const found = hits.map(({package: {name, version, description, date, publisher, 'dist-tags': tags}, downloads}): FoundPlugin => ({
    ...known(name), version: version ?? tags?.latest ?? null, description: line(description), publisher: line(publisher?.username), publishedAt: date ?? null, downloads: downloads?.monthly ?? null,
  }))
  const fits = (text: string): boolean => words.split(/\s+/).every((word) => text.toLowerCase().includes(word.toLowerCase()))
  const more = curated.filter(({name, summary = ''}) => !found.some((one) => one.name === name) && fits(`${name} ${summary}`))
    .map(({name, summary}): FoundPlugin => ({...known(name), version: null, description: line(summary), publisher: null, publishedAt: null, downloads: null}))
  const rank = ({curated: good, revoked}: FoundPlugin): number => (revoked !== null ? 2 : good ? 0 : 1)
  return [...found, ...more].sort((a, b) => rank(a) - rank(b) || (b.downloads ?? 0) - (a.downloads ?? 0))
}

/** What the table says of whom to trust. */
export const verdict = ({curated, revoked}: FoundPlugin): string => (revoked !== null ? 'REVOKED' : curated ? 'curated' : 'community')
