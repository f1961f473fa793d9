import {errors} from '@cgpu/core/errors'
import {type GoogleHosts, googleHosts} from '@cgpu/core/google/hosts'
import {sanitizeLine} from '@cgpu/core/text/line'

/** Google's own hosts instead of one origin. */
export const googleUpstream = 'google'

/** Where a call belongs. `google` sorts by path, as the paths of Google's hosts do not overlap. Throws INVALID_URL (64). */
export function upstreamOf(upstream: string): (path: string) => URL {
  if (upstream === googleUpstream) {
    const hosts = googleHosts(() => undefined)
    return (path) => new URL(placeOf(hosts, path))
  }
  if (!URL.canParse(upstream) || !['http:', 'https:'].includes(new URL(upstream).protocol)) {
    throw errors.usage(`--upstream is no http address: ${sanitizeLine(upstream, 120)}`, {code: 'INVALID_URL', fix: 'give an origin such as http://127.0.0.1:8123, or google'})
  }
  return () => new URL(upstream)
}

function placeOf(hosts: GoogleHosts, path: string): string {
  if (/^\/(drive|upload)\//.test(path)) return hosts.drive
  if (path.startsWith('/v1beta/') || path.startsWith('/v1/operations')) return hosts.colabPublic
  if (path.startsWith('/v1/')) return hosts.colabApi
  if (path.startsWith('/o/oauth2/')) return new URL(hosts.authorize).origin
  if (path.startsWith('/oauth2/')) return new URL(hosts.userinfo).origin
  if (/^\/(token|revoke|tokeninfo)$/.test(path)) return new URL(hosts.token).origin
  return hosts.colab
}
