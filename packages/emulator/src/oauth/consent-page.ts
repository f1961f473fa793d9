import {scopes} from '@cgpu/core/google/scopes'
import {escape, page} from '../control/html.ts'
import {identityScopes} from '../world/scopes.ts'

const meanings: Record<string, string> = {
  [scopes.colab]: 'See, create and delete your Colab machines',
  [scopes.driveFile]: 'See and change the Google Drive files that you use with this app',
  [scopes.driveReadonly]: 'See all your Google Drive files',
  [scopes.drive]: 'See, change, create and delete all your Google Drive files',
  [scopes.cloudPlatform]: 'See and change your Google Cloud data',
}

/** A list of the accounts; each is a link to the same question with that account chosen. */
export function chooserPage(people: readonly {email: string; name: string}[], url: URL): Response {
  const items = people.map(({email, name}) => {
    const target = new URLSearchParams(url.searchParams)
    target.set('chosen', email)
    return `<li><a href="${escape(`${url.pathname}?${target.toString()}`)}">${escape(name)} (${escape(email)})</a></li>`
  })
  return page('Choose an account', `<ul>\n${items.join('\n')}\n</ul>`)
}

export interface ConsentQuestion {
  email: string
  clientId: string
  scopes: readonly string[]
  csrf: string
}

/** What the client wants, with a box to untick for each part that can be refused alone. */
export function consentPage({email, clientId, scopes: wanted, csrf}: ConsentQuestion): Response {
  const boxes = wanted.map((scope) => identityScopes.has(scope) ? '' :
    `<p><label><input type="checkbox" name="scope" value="${escape(scope)}" checked> ${escape(meanings[scope] ?? scope)}</label> <small><code>${escape(scope)}</code></small></p>`)
  const known = [...wanted.includes(scopes.profile) ? ['your name'] : [], ...wanted.includes(scopes.email) ? ['your email address'] : []]
  return page('An app wants access to your account', `<p>Account: <strong>${escape(email)}</strong></p>
<p>App: <code>${escape(clientId)}</code></p>
<form method="post" action="/o/oauth2/consent">
<input type="hidden" name="csrf" value="${escape(csrf)}">
${known.length === 0 ? '' : `<p>It will know ${known.join(' and ')}.</p>`}
${boxes.join('\n')}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>`)
}
