import type {Call} from '../frame/frame.ts'
import type {FaultMatch} from './rule.ts'

/** What counts in a match: its patterns, without how often. */
export type CallPattern = Pick<FaultMatch, 'site' | 'method' | 'path' | 'pathRegex' | 'query'>

/** The test of a pattern, compiled once. */
export function callMatcher({site, method, path, pathRegex, query}: CallPattern): (call: Call) => boolean {
  const sitePattern = site === undefined ? undefined : glob(site, '.*')
  const pathPattern = path === undefined ? undefined : glob(path, '[^/]*')
  const regex = pathRegex === undefined ? undefined : new RegExp(pathRegex)
  const members = Object.entries(query ?? {})
  return (call) =>
    (sitePattern === undefined || sitePattern.test(call.site))
    && (method === undefined || call.method === method)
    && (pathPattern === undefined || pathPattern.test(call.path))
    && (regex === undefined || regex.test(call.path))
    && members.every(([name, value]) => call.query.get(name) === value)
}

/** Whether a site is meant by `runtime:*`, `control`, or `*`. */
export function siteMatcher(pattern: string): (site: string) => boolean {
  const regex = glob(pattern, '.*')
  return (site) => regex.test(site)
}

function glob(pattern: string, star: string): RegExp {
  const parts = pattern.split(/(\*\*|\*)/).map((part) => (part === '**' ? '.*' : part === '*' ? star : part.replaceAll(/[\\^$.+?()[\]{}|/-]/g, String.raw`\$&`)))
  return new RegExp(`^${parts.join('')}$`, 's')
}
