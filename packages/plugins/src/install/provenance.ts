import {errors} from '@cgpu/core/errors'
import {isObject, type JsonObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {KnownRoot} from './trusted-root.ts'

/**
 * Where a package was built. `verified`: sigstore's signatures say so of this very tarball, and `source` and `builder` stand in the
 * certificate. `unchecked`: the attestation says so, and it could not be checked.
 */
export type Provenance =
  /** `source`: `https://github.com/owner/repository`; `builder`: the workflow that built it, with its branch or tag */
  | {state: 'verified'; source: string; builder: string; fresh: boolean}
  | {state: 'unchecked'; source: string | undefined; why: string}

export interface ProvenanceQuestion {
  name: string
  version: string
  /** of the tarball, in hex */
  sha512: string
  /** what the registry hands out; undefined: it could not be had */
  attestations: unknown
  /** what to check with; undefined: it cannot be had */
  root: () => Promise<KnownRoot | undefined>
}

const payloadType = 'application/vnd.in-toto+json'
const knownBundle = /^application\/vnd\.dev\.sigstore\.bundle(\+json;version=0\.[123]|\.v0\.3\+json)$/

/** Errors of the library that no key that came later would mend: something was changed. */
const changed = new Set(['SIGNATURE_ERROR', 'TLOG_BODY_ERROR'])

/** Whose certificates tell of these hosts' repositories: with somebody's own account one could say anything. */
const issuers: Record<string, string> = {'github.com': 'https://token.actions.githubusercontent.com', 'gitlab.com': 'https://gitlab.com'}

const forged = (name: string, version: string, why: string, cause?: unknown) =>
  errors.data(`the provenance of ${name} ${version} is wrong: ${why}`, {code: 'PLUGIN_PROVENANCE', category: 'plugin', fix: 'do not install it; check CGPU_NPM_REGISTRY, and tell its publisher', cause})

/** Checks what npm calls provenance: undefined where there is none. Throws PLUGIN_PROVENANCE (65) for one that is wrong. */
export async function checkProvenance({name, version, sha512, attestations, root}: ProvenanceQuestion): Promise<Provenance | undefined> {
  if (attestations === undefined) return {state: 'unchecked', source: undefined, why: 'its attestation cannot be had'}
  const bundle = bundleIn(attestations)
  if (!bundle) return undefined
  const statement = statementIn(bundle)
  const claimed = claimedSource(statement)
  if (!statement || !isOf(statement, {name, version, sha512})) throw forged(name, version, 'it is about something else than this tarball')
  if (!knownBundle.test(String(bundle['mediaType']))) return {state: 'unchecked', source: claimed, why: 'it is signed in a way that this cgpu does not know'}
  const known = await root()
  if (!known) return {state: 'unchecked', source: claimed, why: 'what sigstore signs with cannot be had'}
  const [{bundleFromJSON}, {toSignedEntity, toTrustMaterial, Verifier}] = await Promise.all([import('@sigstore/bundle'), import('@sigstore/verify')])
  let identity: Identity
  try {
    identity = new Verifier(toTrustMaterial(known.root)).verify(toSignedEntity(bundleFromJSON(bundle))).identity ?? {}
  } catch (error) {
    const {code, message} = error as {code?: unknown; message?: unknown} // any may be missing
    if (!known.fresh && typeof code === 'string' && !changed.has(code)) return {state: 'unchecked', source: claimed, why: 'it is signed by a key that was not known the last time that there was a network'}
    throw forged(name, version, sanitizeLine(typeof message === 'string' ? message : 'it cannot be read', 200), error)
  }
  const builder = identity.subjectAlternativeName ?? ''
  const source = builtFrom(identity)
  if (source === undefined || (identity.extensions?.issuer ?? '') !== (issuers[new URL(source).host] ?? identity.extensions?.issuer)) throw forged(name, version, `it was signed by ${sanitizeLine(builder, 200) || 'nobody'}, as ${sanitizeLine(identity.extensions?.issuer ?? 'nobody', 200)} says, which is no build of a repository`)
  if (claimed !== undefined && claimed !== source) throw forged(name, version, `it names ${sanitizeLine(claimed, 200)}, and was built from ${sanitizeLine(source, 200)}`)
  return {state: 'verified', source, builder, fresh: known.fresh}
}

interface Identity {
  subjectAlternativeName?: string | undefined
  extensions?: {issuer?: string | undefined} | undefined
  oids?: {oid?: {id: number[]} | undefined; value: Uint8Array}[] | undefined
}

/** Fulcio's "Source Repository URI": the workflow may be that of another repository. */
const sourceOid = '1.3.6.1.4.1.57264.1.12'

/** The repository, as the certificate says. Only a build has one: a person's has an email address. */
function builtFrom({subjectAlternativeName = '', oids = []}: Identity): string | undefined {
  const der = Buffer.from(oids.find(({oid}) => oid?.id.join('.') === sourceOid)?.value ?? [])
  // a UTF8String with a short length
  const named = der[0] === 0x0c && der[1] === der.length - 2 ? der.subarray(2).toString('utf8') : undefined
  const [, ofWorkflow] = /^(https:\/\/[^/]+\/(?:[^/]+\/)+?[^/]+)\/(?:\.github\/workflows\/|\/)/.exec(subjectAlternativeName) ?? []
  if (ofWorkflow === undefined) return undefined
  const source = named ?? ofWorkflow
  return source.startsWith('https://') && URL.canParse(source) ? source : undefined
}

function bundleIn(answer: unknown): JsonObject | undefined {
  const all = isObject(answer) && Array.isArray(answer['attestations']) ? answer['attestations'] : []
  const found: unknown = all.find((one: unknown) => isObject(one) && typeof one['predicateType'] === 'string' && one['predicateType'].startsWith('https://slsa.dev/provenance/'))
  return isObject(found) && isObject(found['bundle']) ? found['bundle'] : undefined
}

function statementIn({dsseEnvelope}: JsonObject): JsonObject | undefined {
  if (!isObject(dsseEnvelope) || dsseEnvelope['payloadType'] !== payloadType || typeof dsseEnvelope['payload'] !== 'string') return undefined
  try {
    const value = parseJson(Buffer.from(dsseEnvelope['payload'], 'base64').toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isOf({subject}: JsonObject, {name, version, sha512}: {name: string; version: string; sha512: string}): boolean {
  const wanted = `pkg:npm/${name.replace(/^@/, '%40')}@${version}`
  return Array.isArray(subject) && subject.some((one: unknown) => isObject(one) && one['name'] === wanted && isObject(one['digest']) && one['digest']['sha512'] === sha512)
}

/** The repository as SLSA 1 (GitHub) and SLSA 0.2 (GitLab, older ones) name it. */
function claimedSource(statement: JsonObject | undefined): string | undefined {
  const at = (...path: string[]): unknown => path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), statement)
  const given = at('predicate', 'buildDefinition', 'externalParameters', 'workflow', 'repository') ?? at('predicate', 'invocation', 'configSource', 'uri')
  return typeof given === 'string' ? given.replace(/^git\+/, '').replace(/@[^/]*(?:\/.*)?$/, '').replace(/\.git$/, '') : undefined
}
