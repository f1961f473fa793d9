import {errors} from '@cgpu/core/errors'
import {isLoopback} from '@cgpu/core/loopback'
import type {KernelHost} from '@cgpu/core/provider'
import type {ColabApi} from './api/api.ts'
import {protocolError} from './http/answer.ts'

type Host = Pick<KernelHost, 'consent'> & {signal?: AbortSignal}

const asks = {drive: 'use your Google Drive', user: 'act as you at Google'}

/**
 * Hands the account's credentials to the machine (protocol notes, 3.7): a dry run tells whether its owner has agreed; where not, they
 * are asked to on Google's page. Throws CONSENT_REQUIRED (67).
 */
export async function authorizeMachine(api: ColabApi, endpoint: string, what: 'drive' | 'user', host: Host): Promise<void> {
  const {signal, consent} = host
  const dry = await api.propagate(endpoint, what, true, {signal})
  if (!dry.success) {
    const url = pageOf(dry.consentUrl)
    const agreed = await consent?.({message: `Colab asks whether this machine may ${asks[what]}`, url})
    if (!agreed) throw consentRequired(what, url)
  }
  const real = await api.propagate(endpoint, what, false, {signal})
  if (!real.success) throw consentRequired(what, pageOf(real.consentUrl ?? dry.consentUrl))
}

/** Opened in a browser by the user: nothing but a web page may be. */
function pageOf(url: string | undefined): string {
  const what = 'credentials-propagation'
  if (url === undefined) throw protocolError(what, 'it was refused, and no page for consent is named')
  const page = URL.canParse(url) ? new URL(url) : undefined
  if (page?.protocol === 'https:' || (page?.protocol === 'http:' && isLoopback(page.hostname))) return page.href
  throw protocolError(what, 'the page for consent has no web address')
}

function consentRequired(what: 'drive' | 'user', url: string): Error {
  return errors.auth(`this machine may not ${asks[what]} yet`, {code: 'CONSENT_REQUIRED', fix: `agree at ${url} and try again`, details: {url}})
}
