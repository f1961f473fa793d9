import {z} from 'zod'

const accelerator = z.string().regex(/^[A-Za-z0-9-]{1,20}$/, 'an accelerator is letters and digits, like T4').transform((name) => name.toUpperCase())
const models = z.strictObject({GPU: z.array(accelerator).default([]), TPU: z.array(accelerator).default([])})
const amount = z.number().min(0)
const seconds = z.number().positive()

export const tiers = ['free', 'pro', 'pro+'] as const
export type Tier = (typeof tiers)[number]

/** What `World.setAccount` changes; absent fields stay, but another `tier` brings what its plan has. */
export const accountPatch = z.strictObject({
  /** what the profile says */
  name: z.string().min(1).exactOptional(),
  tier: z.enum(tiers).exactOptional(),
  /** paid compute units */
  balance: amount.exactOptional(),
  /** compute units that cost nothing, used when the paid ones are: `units` again every `refillHours` */
  freeQuota: z.strictObject({
    remaining: amount.exactOptional(), units: amount.exactOptional(), refillHours: z.number().positive().exactOptional(),
  }).exactOptional(),
  /** by variant, replaced as a whole; the first of a variant is given when none is named */
  eligible: models.exactOptional(),
  /** shown as existing, and refused */
  ineligible: models.exactOptional(),
  denylisted: z.boolean().exactOptional(),
  /** whether the person has agreed that machines use Drive, or act as them */
  consent: z.strictObject({drive: z.boolean().exactOptional(), user: z.boolean().exactOptional()}).exactOptional(),
  /** false: no machine is ever trusted with credentials */
  allowedCredentials: z.boolean().exactOptional(),
  maxAssignments: z.int().min(0).exactOptional(),
  /** Google wants the person to sign in anew: refreshing gives `invalid_grant` with `invalid_rapt` */
  reauth: z.boolean().exactOptional(),
})
export type AccountPatch = z.output<typeof accountPatch>

const defaultMax: Record<Tier, number> = {free: 2, pro: 5, 'pro+': 10}

export const accountConfig = accountPatch.extend({email: z.email()}).transform(({freeQuota, consent, ...given}) => {
  const tier = given.tier ?? 'free'
  const units = freeQuota?.units ?? freeQuota?.remaining ?? 30
  return {
    name: given.email.replace(/@.*/, ''),
    tier,
    balance: 0,
    eligible: {GPU: ['T4'], TPU: []},
    ineligible: {GPU: [], TPU: []},
    denylisted: false,
    allowedCredentials: true,
    maxAssignments: defaultMax[tier],
    reauth: false,
    ...given,
    freeQuota: {units, remaining: freeQuota?.remaining ?? units, refillHours: freeQuota?.refillHours ?? 24},
    consent: {drive: consent?.drive ?? false, user: consent?.user ?? false},
  }
})
export type AccountConfig = z.output<typeof accountConfig>

const free = {eligible: {GPU: ['T4'], TPU: []}, ineligible: {GPU: ['L4', 'A100', 'H100'], TPU: ['V5E1']}}
const paid = {eligible: {GPU: ['T4', 'L4', 'A100'], TPU: ['V5E1']}, ineligible: {GPU: ['H100'], TPU: []}}

/** What accounts of a tier may use, where nothing else is said. */
export const planOf = (tier: Tier): Pick<AccountConfig, 'eligible' | 'ineligible' | 'maxAssignments'> => ({...(tier === 'free' ? free : paid), maxAssignments: defaultMax[tier]})

const defaultAccounts: z.input<typeof accountConfig>[] = [
  {email: 'me@example.com', name: 'Me Example', tier: 'pro', balance: 100, ...paid},
  {email: 'free@example.com', name: 'Free Example', tier: 'free', ...free},
  {email: 'denied@example.com', name: 'Denied Example', tier: 'pro', balance: 100, denylisted: true, ...paid},
]

const client = z.strictObject({
  id: z.string().min(1),
  /** undefined: a public client */
  secret: z.string().min(1).optional(),
  /** `native`: redirects to any port of loopback */
  type: z.enum(['native', 'web']).default('native'),
  redirectUris: z.array(z.url()).default([]),
  pkce: z.enum(['required', 'optional']).default('required'),
})
export type ClientConfig = z.output<typeof client>

/**
 * How one assign goes, ahead of everything that the account allows: `quota` (outcome 1), `usage` (2), `denylisted` (5), an HTTP
 * status, `ok`, or another machine than was asked for; `reported` is what the answer claims, by default the truth.
 */
export const assignOutcome = z.union([
  z.enum(['ok', 'quota', 'usage', 'denylisted', '400', '412', '503']),
  z.strictObject({accelerator, reported: accelerator.optional()}),
])
export type AssignOutcome = z.infer<typeof assignOutcome>

const scalar = z.union([z.string(), z.number(), z.boolean()])

/** The settings of the emulated world. Seconds are of the emulator's clock. */
export const worldConfig = z.strictObject({
  accounts: z.array(accountConfig).min(1).prefault(defaultAccounts)
    .refine((all) => new Set(all.map((one) => one.email)).size === all.length, 'two accounts have the same email'),
  /** a machine is taken away after so long without use or keep-alive */
  fit: seconds.default(5400),
  /** and after so long in any case */
  lifetimes: z.strictObject({free: seconds.default(12 * 3600), paid: seconds.default(24 * 3600)}).prefault({}),
  proxyTokenTtl: seconds.default(3600),
  accessTokenTtl: seconds.default(3600),
  /** `any`: every client id may sign people in, as unmodified Colab clients bring their own */
  clients: z.union([z.literal('any'), z.array(client)]).default('any'),
  /** landing pages outside loopback: the consent page shows the code to copy */
  landingPages: z.array(z.url()).default([
    'https://sdk.cloud.google.com/applicationdefaultauthcode.html', 'https://colab.research.google.com/vscode/redirect',
  ]),
  /** a refresh gives a new refresh token; use of an old one revokes the grant */
  rotateRefreshTokens: z.boolean().default(false),
  /** service accounts that may sign in with a JWT: their public key, PEM; each is an account, too, if it is not among `accounts` */
  serviceAccounts: z.array(z.strictObject({email: z.email(), publicKey: z.string()})).default([]),
  /** whether dialect T's answers begin with `)]}'` */
  xssi: z.boolean().default(true),
  /** `hang`: a keep-alive is noted, and never answered, as when the machine does not */
  keepAlive: z.enum(['answer', 'hang']).default('answer'),
  /** how many machines of an accelerator there are; not listed: enough */
  capacity: z.record(accelerator, z.int().min(0)).default({}),
  /** an accelerator that the account may not use is refused by HTTP 400, or by outcome 1: both are seen */
  entitlement: z.enum(['status', 'outcome']).default('status'),
  /** the first is the default */
  runtimeVersions: z.array(z.string().regex(/^[\w.-]{1,40}$/)).min(1).default(['2026.01', '2025.10', '2025.07']),
  experiments: z.record(z.string(), z.union([scalar, z.array(scalar)])).default({}),
})
export type WorldConfig = z.output<typeof worldConfig>
export type WorldConfigInput = z.input<typeof worldConfig>
