import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type Attested, type Bundle, testSigstore} from '../../../../test/helpers/sigstore.ts'
import {checkProvenance} from './provenance.ts'
import {type KnownRoot, trustedRoot} from './trusted-root.ts'

const sigstore = testSigstore()
const other = testSigstore()
const sha512 = 'ab'.repeat(64)
const what: Attested = {name: '@alice/cgpu-plugin-x', version: '1.2.3', sha512}

describe('the provenance of a plugin', () => {
  let folder: string
  let mine: KnownRoot
  const rootOf = async (root: object): Promise<KnownRoot> => {
    const file = join(folder, 'root.json')
    writeFileSync(file, JSON.stringify(root))
    return (await trustedRoot({cacheDir: folder, offline: false, file}))!
  }
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cgpu-provenance-'))
    mine = await rootOf(sigstore.root)
  })
  after(() => rmSync(folder, {recursive: true, force: true}))
  const check = (attestations: unknown, root: KnownRoot | undefined = mine) => checkProvenance({...what, attestations, root: async () => root})
  const changed = (change: (bundle: Bundle) => void, attested: Partial<Attested> = {}): unknown => {
    const answer = sigstore.attest({...what, ...attested})
    for (const {bundle} of answer.attestations) change(bundle)
    return answer
  }

  it('is verified with what signs for builds, of this very tarball', async () => {
    assert.deepEqual(await check(sigstore.attest(what)), {
      state: 'verified', source: 'https://github.com/alice/plugin', builder: 'https://github.com/alice/plugin/.github/workflows/release.yml@refs/tags/v1.2.3', fresh: true,
    })
    // a workflow that several repositories share
    const shared = await check(sigstore.attest({...what, builder: 'https://github.com/acme/builds/.github/workflows/npm.yml@refs/heads/main'}))
    assert.partialDeepStrictEqual(shared, {state: 'verified', source: 'https://github.com/alice/plugin'})
    const gitlab = await check(sigstore.attest({...what, source: 'https://gitlab.com/a/b/c', builder: 'https://gitlab.com/a/b/c//.gitlab-ci.yml@refs/heads/main', issuer: 'https://gitlab.com'}))
    assert.partialDeepStrictEqual(gitlab, {state: 'verified', source: 'https://gitlab.com/a/b/c'})
  })

  it('is absent where nobody says anything of it', async () => {
    for (const nothing of [{}, {attestations: []}, {attestations: [{predicateType: 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1', bundle: {}}]}, null]) assert.equal(await check(nothing), undefined)
  })

  const payload = (bundle: Bundle, from: string, to: string): void => {
    bundle.dsseEnvelope.payload = Buffer.from(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString('utf8').replace(from, to)).toString('base64')
  }
  const forgeries: [what: string, attestations: () => unknown, said: RegExp][] = [
    ['of another tarball', () => sigstore.attest({...what, sha512: 'cd'.repeat(64)}), /something else than this tarball/],
    ['of another version', () => sigstore.attest({...what, version: '1.2.4'}), /something else than this tarball/],
    ['whose statement was changed', () => changed((bundle) => payload(bundle, 'alice/plugin', 'mallory/plug')), /payload hash mismatch/],
    ['signed by an authority that is not trusted', () => other.attest(what), /certificate/i],
    ['with the signature of another', () => changed((bundle) => void (bundle.dsseEnvelope.signatures = sigstore.attest(what).attestations[0]!.bundle.dsseEnvelope.signatures)), /entry signature mismatch/],
    ['that stands in no log', () => changed((bundle) => void (bundle.verificationMaterial.tlogEntries = [])), /expected 1 timestamps, got 0/],
    ['with an entry of a log that is not trusted', () => changed((bundle) => void (bundle.verificationMaterial.tlogEntries = other.attest(what).attestations[0]!.bundle.verificationMaterial.tlogEntries)), /inclusion promise could not be verified/],
    ['that a person signed', () => sigstore.attest({...what, email: 'mallory@example.com', issuer: 'https://accounts.google.com'}), /which is no build of a repository/],
    ['whose issuer is not that host\'s', () => sigstore.attest({...what, issuer: 'https://token.actions.githubusercontent.com.evil.example'}), /which is no build of a repository/],
    ['that names another repository than it was built from', () => sigstore.attest({...what, claims: 'https://github.com/acme/famous'}), /it names https:\/\/github\.com\/acme\/famous, and was built from https:\/\/github\.com\/alice\/plugin/],
    ['that is not whole', () => changed((bundle) => void (bundle.verificationMaterial.certificate.rawBytes = 'AAAA')), /unsupported tag/],
  ]
  for (const [title, attestations, said] of forgeries) {
    it(`is refused ${title}`, () => assert.rejects(check(attestations()), (error: Error & {code?: string; exit?: number}) => error.code === 'PLUGIN_PROVENANCE' && error.exit === 65 && said.test(error.message)))
  }

  it('is not called verified where it could not be checked, but what was changed is refused all the same', async () => {
    const claimed = {state: 'unchecked', source: 'https://github.com/alice/plugin'}
    assert.deepEqual(await checkProvenance({...what, attestations: undefined, root: async () => mine}), {state: 'unchecked', source: undefined, why: 'its attestation cannot be had'})
    assert.partialDeepStrictEqual(await checkProvenance({...what, attestations: sigstore.attest(what), root: async () => undefined}), claimed)
    assert.partialDeepStrictEqual(await check(changed((bundle) => void (bundle.mediaType = 'application/vnd.dev.sigstore.bundle.v9+json'))), claimed)
    const old = {...mine, fresh: false}
    assert.partialDeepStrictEqual(await check(sigstore.attest(what), old), {state: 'verified', fresh: false})
    assert.partialDeepStrictEqual(await check(other.attest(what), old), {...claimed, why: 'it is signed by a key that was not known the last time that there was a network'})
    await assert.rejects(check(changed((bundle) => payload(bundle, 'buildDefinition', 'buildDefinitions')), old), {code: 'PLUGIN_PROVENANCE'})
  })

  describe('is checked with a root', () => {
    const dead = (): Promise<never> => Promise.reject(new Error('no network'))
    it('that came with the library where there is no network', async () => {
      let asked = 0
      const count = (): Promise<never> => dead().finally(() => asked++)
      for (const offline of [false, true]) {
        const known = await trustedRoot({cacheDir: join(folder, 'none'), offline, fetchRoot: count})
        assert.equal(known?.fresh, false)
        assert.ok((known?.root.certificateAuthorities.length ?? 0) > 0)
      }
      assert.equal(asked, 1)
    })

    it('that an organisation gives, and says so where that is none', async () => {
      const file = join(folder, 'broken.json')
      for (const text of ['', '{}', '{"certificateAuthorities": []}']) {
        writeFileSync(file, text)
        await assert.rejects(trustedRoot({cacheDir: folder, offline: false, file, fetchRoot: dead}), {code: 'PLUGIN_TRUSTED_ROOT', exit: 65})
      }
    })

    it('that is fetched, and counts as fresh then', async () => {
      assert.equal((await trustedRoot({cacheDir: folder, offline: false, fetchRoot: async () => mine.root}))?.fresh, true)
    })
  })
})
