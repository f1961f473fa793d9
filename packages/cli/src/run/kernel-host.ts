import {errors} from '@cgpu/core/errors'
import type {EventListener} from '@cgpu/core/execution/events'
import type {KernelHost} from '@cgpu/core/provider'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {sanitizeLine} from '@cgpu/core/text/line'
import {consentForCode, terminalConsent} from './consent.ts'
import type {SecretPlaces} from './secrets.ts'

export interface KernelHostOptions extends SecretPlaces {
  /** names of `--secret` */
  granted: readonly string[]
  /** told the values of what was granted, so that they can be kept out of what is written */
  onGranted?: (values: Record<string, string>) => void
  /** whether the person at the terminal may be asked */
  asks: boolean
  onEvent: EventListener
}

/** What code on the machine gets when it asks. Throws SECRET_NOT_FOUND (66). Nothing is loaded unless there is a secret, or a question. */
export async function kernelHost(options: KernelHostOptions): Promise<KernelHost> {
  const {granted, asks, onEvent, onWarning} = options
  const grants = granted.length > 0 ? await grantsOf(options) : undefined
  if (grants) options.onGranted?.(grants.env())
  const told = new Set<string>()
  const consent = asks ? terminalConsent({onWarning}) : undefined
  return {
    async secret(name) {
      const answer = await (grants ?? (await grantsOf(options))).ask(name)
      if (!answer.access && !told.has(name)) {
        told.add(name)
        const shown = sanitizeLine(name, 60)
        await onEvent({type: 'notice', code: 'SECRET_NOT_GRANTED', message: `the code asked for the secret ${shown}, which was not granted; add --secret ${shown}`})
      }
      return answer
    },
    ...(consent ? {consent: consentForCode(consent)} : {}),
  }
}

/** Only Colab's library asks for secrets. Throws CAPABILITY_MISSING (64). */
export function refuseSecrets(granted: readonly string[], {endpoint, record: {provider}}: Pick<RuntimeSession, 'endpoint' | 'record'>): void {
  if (granted.length === 0 || endpoint.answerKernel) return
  throw errors.usage(`code on a kernel of ${provider} cannot ask for secrets`, {
    code: 'CAPABILITY_MISSING', fix: 'give it to a program, as a variable: cgpu run --secret NAME SCRIPT', details: {provider, capability: 'answerKernel'},
  })
}

async function grantsOf(options: KernelHostOptions) {
  const [{SecretGrants}, {openSecrets}] = await Promise.all([import('@cgpu/core/secrets/grants'), import('./secrets.ts')])
  return SecretGrants.of(options.granted, openSecrets(options))
}
