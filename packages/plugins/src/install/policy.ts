import {readFile} from 'node:fs/promises'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import {sanitizeLine} from '@cgpu/core/text/line'
import {z} from 'zod'
import {matches, policyPaths} from './policy-names.ts'
import type {SignatureState} from './signature.ts'

/** What an organisation says about plugins. Unknown keys are refused: a rule that is misspelt must not pass for one that holds. */
const policy = z.strictObject({
  version: z.literal(1),
  /** names, or `@scope/*`; where it is given, nothing else is installed */
  allow: z.array(z.string()).optional(),
  /** counts before `allow` */
  deny: z.array(z.string()).default([]),
  requireSignature: z.boolean().default(false),
  /** it must be certain from which repository it was built */
  requireProvenance: z.boolean().default(false),
  /** a trusted_root.json of sigstore to check that with, in place of the public one's */
  trustedRoot: z.string().optional(),
  /** days that a version must have been public */
  minimumAgeDays: z.number().nonnegative().default(0),
  sources: z.array(z.enum(['registry', 'tarball', 'git', 'link'])).default(['registry', 'tarball', 'git', 'link']),
  /** whether plugins may run in cgpu's own process */
  allowTrust: z.boolean().default(true),
  /** the curated index: its address or path, and the Ed25519 key that signs it (`ed25519:…`, or DER as base64; several: separated by commas) */
  index: z.strictObject({from: z.string(), key: z.string()}).optional(),
})
type Policy = z.infer<typeof policy>

/** What a policy is asked about. */
export interface PolicyQuestion {
  name: string
  version: string
  source: 'registry' | 'tarball' | 'git' | 'link'
  signature: SignatureState
  /** none: nobody says where it was built */
  provenance: 'verified' | 'unchecked' | 'none'
  publishedAt: string | undefined
  trusted: boolean
}

export class Policies {
  readonly all: readonly {path: string; policy: Policy}[]

  private constructor(all: readonly {path: string; policy: Policy}[]) {
    this.all = all
  }

  /** Throws PLUGIN_POLICY_BROKEN (65): a policy that cannot be read forbids everything. One that a variable names must be there. */
  static async read(configDir: string, env: NodeJS.ProcessEnv): Promise<Policies> {
    const named = env['CGPU_PLUGIN_POLICY']
    const all = await Promise.all(policyPaths(configDir, env).map(async (path) => {
      const broken = (why: string) => errors.data(`the policy of plugins ${sanitizeLine(path, 300)} cannot be used: ${why}`, {code: 'PLUGIN_POLICY_BROKEN', category: 'plugin', fix: 'correct it, or ask whoever set it up'})
      let text: string
      try {
        text = await readFile(path, 'utf8')
      } catch (error) {
        if (errnoOf(error) === 'ENOENT' && path !== named) return []
        throw broken(sanitizeLine(error instanceof Error ? error.message : String(error), 200))
      }
      let value: unknown
      try {
        value = parseJson(text)
      } catch {
        throw broken('it is not JSON')
      }
      const parsed = policy.safeParse(value)
      if (parsed.success) return [{path, policy: parsed.data}]
      const [first] = parsed.error.issues
      throw broken(sanitizeLine(`${first?.path.join('.') ?? ''} ${first?.message ?? ''}`.trim(), 200))
    }))
    return new Policies(all.flat())
  }

  /** The curated index that a policy names. */
  get index(): {from: string; key: string} | undefined {
    return this.all.find(({policy: {index}}) => index)?.policy.index
  }

  /** The trusted root of sigstore that a policy names. */
  get trustedRoot(): string | undefined {
    return this.all.find(({policy: {trustedRoot}}) => trustedRoot !== undefined)?.policy.trustedRoot
  }

  /** The first rule that forbids it. */
  problem(question: PolicyQuestion, now = new Date()): CgpuError | undefined {
    for (const {path, policy: rules} of this.all) {
      const why = brokenRule(rules, question, now)
      if (why !== undefined) {
        return errors.vetoed(`the policy of plugins forbids ${question.name} ${question.version}: ${why}`, {
          code: 'PLUGIN_POLICY', category: 'plugin', fix: `ask whoever keeps ${sanitizeLine(path, 300)}`, details: {policy: path, plugin: question.name},
        })
      }
    }
    return undefined
  }
}

function brokenRule(rules: Policy, {name, source, signature, provenance, publishedAt, trusted}: PolicyQuestion, now: Date): string | undefined {
  if (matches(rules.deny, name)) return 'it is on the list of what is denied'
  if (rules.allow && !matches(rules.allow, name)) return 'it is not on the list of what is allowed'
  if (!rules.sources.includes(source)) return `plugins must come from: ${rules.sources.join(', ')}`
  if (rules.requireSignature && source !== 'link' && signature !== 'signed') return 'it must be signed by the registry, and is not'
  if (rules.requireProvenance && source !== 'link' && provenance !== 'verified') return `it must be certain where it was built, and ${provenance === 'none' ? 'it does not say' : 'that could not be checked'}`
  if (trusted && !rules.allowTrust) return 'no plugin may run in cgpu\'s own process'
  if (rules.minimumAgeDays > 0 && source === 'registry') {
    const days = publishedAt === undefined ? 0 : (now.getTime() - Date.parse(publishedAt)) / 86_400_000
    if (days < rules.minimumAgeDays) return `a version must have been public for ${rules.minimumAgeDays} days`
  }
  return undefined
}
