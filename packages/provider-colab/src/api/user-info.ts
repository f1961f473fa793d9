import type * as z from 'zod/mini'
import type {Models, UserInfo} from './api.ts'
import type {ccuInfoT, userInfoG} from './schemas.ts'
import {tierOf, variantOf} from './vocabulary.ts'

type Quota = {remainingTokens?: string | number | undefined; nextRefillTimestampSec?: string | number | undefined} | undefined
type ModelsG = {variant?: string | number | undefined; models?: string[] | undefined}[] | undefined

export function userInfoOfG(info: z.infer<typeof userInfoG>): UserInfo {
  return {
    tier: tierOf(info.subscriptionTier),
    eligible: modelsOf(info.eligibleAccelerators),
    ineligible: modelsOf(info.ineligibleAccelerators),
    ...amounts(info.paidComputeUnitsBalance, info.consumptionRateHourly, info.assignmentsCount, info.freeCcuQuotaInfo),
  }
}

/** T tells no tier: who may use more than a T4 pays for it. */
export function userInfoOfCcu(info: z.infer<typeof ccuInfoT>): UserInfo {
  const models = (gpus: string[] = [], tpus: string[] = []): Models => [
    {variant: 'GPU', models: gpus.map((one) => one.toUpperCase())}, {variant: 'TPU', models: tpus.map((one) => one.toUpperCase())},
  ]
  const paying = (info.currentBalance ?? 0) > 0 || (info.eligibleGpus ?? []).some((one) => one.toUpperCase() !== 'T4')
  return {
    tier: paying ? 'paid' : 'free',
    eligible: models(info.eligibleGpus, info.eligibleTpus),
    ineligible: models(info.ineligibleGpus, info.ineligibleTpus),
    ...amounts(info.currentBalance, info.consumptionRateHourly, info.assignmentsCount, info.freeCcuQuotaInfo),
  }
}

function modelsOf(list: ModelsG = []): Models {
  return list.map(({variant, models = []}) => ({variant: variantOf(variant, models[0]?.toUpperCase() ?? 'NONE'), models: models.map((one) => one.toUpperCase())}))
}

function amounts(balance?: number, hourlyRate?: number, runtimes?: number, quota?: Quota): Partial<UserInfo> {
  return {
    ...(balance === undefined ? {} : {balance}),
    ...(hourlyRate === undefined ? {} : {hourlyRate}),
    ...(runtimes === undefined ? {} : {runtimes}),
    ...freeOf(quota),
  }
}

/** `remainingTokens` is in thousandths of a compute unit (protocol notes, 3.5). */
function freeOf(quota: Quota): Pick<UserInfo, 'free'> {
  if (quota?.remainingTokens === undefined) return {}
  const refill = Number(quota.nextRefillTimestampSec) * 1000
  // outside of what a Date can hold it is no time
  const refillsAt = Number.isFinite(refill) && Math.abs(refill) <= 8.64e15 ? new Date(refill).toISOString() : undefined
  return {free: {remaining: Number(quota.remainingTokens) / 1000, ...(refillsAt === undefined ? {} : {refillsAt})}}
}
