import {errors} from '@cgpu/core/errors'
import type {ProviderContext} from '@cgpu/core/provider'
import {formatMoment} from '@cgpu/core/text/format'
import {accelerationRefused, acceleratorFor} from './accelerators.ts'
import type {AssignRefused, ColabApi, UserInfo, Wish} from './api/api.ts'

/** Colab's no, with what the user can do about it: what runs, what is left, what else there is. */
export async function refusalFor(api: ColabApi, wish: Wish, refused: AssignRefused, nameOf: ProviderContext['nameOf']): Promise<Error> {
  const said = refused.message === '' ? undefined : refused.message
  const because = said === undefined ? '' : `: ${said}`
  switch (refused.reason) {
    case 'denylisted':
      return errors.quota(`Colab has blocked ${api.account.replace(/^google:/, '')}${because}`, {code: 'ACCOUNT_DENYLISTED', fix: 'ask Colab why, or use another account: cgpu auth login'})
    case 'quota': return quotaExceeded(wish, await infoOf(api), because)
    case 'too-many': return tooMany(api, because, nameOf)
    case 'entitlement': {
      const info = (await infoOf(api)) ?? unknown
      const may = wish.variant === 'CPU' || info.eligible.some(({models}) => models.includes(wish.accelerator))
      return may ? machineRefused(wish, because) : accelerationRefused(wish.variant === 'GPU' ? 'gpu' : 'tpu', wish.accelerator, info, said)
    }
    case 'capacity': {
      const what = wish.variant === 'CPU' ? 'machine' : acceleratorFor(wish.accelerator, wish.variant).name
      return errors.quota(`Colab has no ${what} free right now${because}`, {
        code: 'ACCELERATOR_UNAVAILABLE', category: 'capacity', retryable: true, fix: 'wait for one: --wait 30m; or ask for another accelerator',
        details: {accelerator: wish.accelerator},
      })
    }
  }
}

const unknown: UserInfo = {tier: 'current', eligible: [], ineligible: []}

/** What goes with the message; the refusal counts, with or without it. */
async function infoOf(api: ColabApi): Promise<UserInfo | undefined> {
  return api.userInfo({consumption: true}).catch(() => undefined)
}

function quotaExceeded(wish: Wish, info: UserInfo | undefined, because: string): Error {
  const {balance, free} = info ?? {}
  const left = balance !== undefined && balance > 0 ? `${round(balance)} compute units are left`
    : free ? `${round(free.remaining)} free compute units are left` : balance === undefined ? undefined : 'no compute units are left'
  const until = free?.refillsAt === undefined ? '' : `; more come at ${formatMoment(Date.parse(free.refillsAt))}`
  const what = wish.variant === 'CPU' ? 'a machine' : acceleratorFor(wish.accelerator, wish.variant).name
  return errors.quota(`this account has used up what it may use of ${what}${left === undefined ? '' : ` (${left}${until})`}${because}`, {
    code: 'QUOTA_EXCEEDED', fix: 'cgpu usage', details: {...(balance === undefined ? {} : {balance}), ...(free ? {free} : {})},
  })
}

/** It is not the accelerator, so it is what else was asked for. */
function machineRefused({highMemory, image}: Wish, because: string): Error {
  const asked = [...(image === undefined ? [] : ['--image']), ...(highMemory ? ['--high-ram'] : [])]
  return errors.quota(`Colab refused to give such a machine${because}`, {
    code: 'MACHINE_REFUSED', fix: asked.length === 0 ? 'try again; cgpu usage shows what this account may use' : `leave ${asked.join(' and ')} out`,
  })
}

async function tooMany(api: ColabApi, because: string, nameOf: ProviderContext['nameOf']): Promise<Error> {
  const assignments = await api.assignments().catch(() => [])
  const running = await Promise.all(assignments.map(async ({endpoint, accelerator, variant}) => {
    const name = await nameOf?.(endpoint)
    return {endpoint, ...(name === undefined ? {} : {name}), accelerator: acceleratorFor(accelerator, variant).name}
  }))
  const list = running.map(({name, endpoint, accelerator}) => `${name ?? endpoint} (${accelerator})`)
  const known = running.find(({name}) => name !== undefined)?.name
  return errors.quota(`this account has as many runtimes as it may have${list.length === 0 ? '' : `: ${list.join(', ')}`}${because}`, {
    code: 'TOO_MANY_RUNTIMES',
    fix: known === undefined ? 'release one of them: cgpu runtime list, then cgpu runtime release NAME' : `release one of them: cgpu runtime release ${known}`,
    details: {running},
  })
}

function round(units: number): string {
  return String(Math.round(units * 100) / 100)
}
