import * as z from 'zod/mini'

/**
 * What Colab's three dialects answer (protocol notes, section 3). Fields that cgpu does not need are optional, unknown
 * ones are left out, and enums are open: a new value is shown, never a failure. ProtoJSON leaves out what is empty.
 */

const text = z.string().check(z.maxLength(10_000))
const count = z.number()

/** an int64 in ProtoJSON is a string; older answers have a number */
const bigNumber = z.union([z.number(), z.string().check(z.regex(/^-?\d{1,19}$/))])

export const xsrfToken = z.object({token: text})

/** T's enums are numbers, sometimes their names */
const enumLike = z.union([z.number(), text])

const proxyT = z.object({token: text, url: text, tokenExpiresInSeconds: z.optional(count)})
/** G: a duration, `3600s` */
const proxyG = z.object({token: text, url: text, tokenTtl: z.optional(text)})

/** GET assign: either the XSRF token of a POST to come, or the machine that the hash has already. */
export const assignGetT = z.object({
  token: z.optional(text),
  endpoint: z.optional(text),
  accelerator: z.optional(text),
  variant: z.optional(enumLike),
  machineShape: z.optional(enumLike),
  fit: z.optional(count),
  runtimeProxyInfo: z.optional(proxyT),
})

/** POST assign. With an outcome of refusal all else may be missing. */
export const assignPostT = z.object({
  outcome: z.optional(enumLike),
  endpoint: z.optional(text),
  accelerator: z.optional(text),
  variant: z.optional(enumLike),
  machineShape: z.optional(enumLike),
  fit: z.optional(count),
  runtimeProxyInfo: z.optional(proxyT),
})

/** An error under a good status must not pass for an empty list: what is not in a list counts as gone. */
const noError = z.optional(z.never())

export const assignmentsT = z.object({
  error: noError,
  assignments: z.optional(z.array(z.object({
    endpoint: text,
    accelerator: z.optional(text),
    variant: z.optional(enumLike),
    machineShape: z.optional(enumLike),
    runtimeProxyInfo: z.optional(proxyT),
  }))),
})

export const assignmentsG = z.object({
  error: noError,
  assignments: z.optional(z.array(z.object({
    endpoint: text,
    accelerator: z.optional(text),
    variant: z.optional(enumLike),
    machineShape: z.optional(enumLike),
    runtimeProxyInfo: z.optional(proxyG),
    runtimeVersionLabel: z.optional(text),
    notebookIdHash: z.optional(text),
  }))),
})

export const proxyTokenG = proxyG
export const proxyTokenT = proxyT

const modelsG = z.optional(z.array(z.object({variant: z.optional(enumLike), models: z.optional(z.array(text))})))
const freeQuota = z.optional(z.object({remainingTokens: z.optional(bigNumber), nextRefillTimestampSec: z.optional(bigNumber)}))

export const userInfoG = z.object({
  subscriptionTier: z.optional(enumLike),
  paidComputeUnitsBalance: z.optional(count),
  eligibleAccelerators: modelsG,
  ineligibleAccelerators: modelsG,
  consumptionRateHourly: z.optional(count),
  assignmentsCount: z.optional(count),
  freeCcuQuotaInfo: freeQuota,
})

export const ccuInfoT = z.object({
  currentBalance: z.optional(count),
  consumptionRateHourly: z.optional(count),
  assignmentsCount: z.optional(count),
  eligibleGpus: z.optional(z.array(text)),
  ineligibleGpus: z.optional(z.array(text)),
  eligibleTpus: z.optional(z.array(text)),
  ineligibleTpus: z.optional(z.array(text)),
  freeCcuQuotaInfo: freeQuota,
})

export const propagationT = z.object({success: z.optional(z.boolean()), unauthorized_redirect_uri: z.optional(text)})

export const runtimeP = z.object({
  name: z.optional(text),
  runtimeSpec: z.optional(z.object({variant: z.optional(enumLike), accelerator: z.optional(text), shape: z.optional(enumLike)})),
  version: z.optional(text),
  /** `expireTime` is RFC 3339 */
  connectionInfo: z.optional(z.object({endpoint: text, token: text, url: text, expireTime: z.optional(text)})),
})

export const runtimesP = z.object({error: noError, runtimes: z.optional(z.array(runtimeP))})

export const operationP = z.object({
  name: z.optional(text),
  done: z.optional(z.boolean()),
  error: z.optional(z.record(z.string(), z.unknown())),
  response: z.optional(z.unknown()),
})
