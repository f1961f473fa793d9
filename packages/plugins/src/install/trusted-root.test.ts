import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {testSigstore} from '../../../../test/helpers/sigstore.ts'
import {type TufRepository, tufRepository} from '../../../../test/helpers/tuf.ts'
import {type SigstoreSource, trustedRoot} from './trusted-root.ts'

describe('the keys of sigstore', () => {
  let folder: string
  let mine: TufRepository
  let other: TufRepository
  let root: string
  let warnings: string[]
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cgpu-tuf-'))
    const content = JSON.stringify(testSigstore().root)
    ;[mine, other] = await Promise.all([tufRepository('trusted_root.json', content), tufRepository('trusted_root.json', content)])
    root = join(folder, 'root.json')
    writeFileSync(root, mine.root)
  })
  after(async () => {
    await Promise.all([mine.stop(), other.stop()])
    rmSync(folder, {recursive: true, force: true})
  })
  beforeEach(() => (warnings = []))

  const ask = (source: SigstoreSource, cache: string, offline = false) => trustedRoot({cacheDir: join(folder, cache), offline, source, onWarning: (message) => void warnings.push(message)})

  it('are fetched by TUF from a server of one\'s own, and are there without it later', async () => {
    const found = await ask({url: `${mine.url}/`, root}, 'own')
    assert.deepEqual([found?.fresh, found?.root.certificateAuthorities.length, warnings], [true, 1, []])
    const later = await ask({url: mine.url, root}, 'own', true)
    assert.deepEqual([later?.fresh, later?.root.certificateAuthorities.length, warnings], [false, 1, []])
  })

  it('are not taken from a server that another root signs for', async () => {
    assert.equal(await ask({url: other.url, root}, 'other'), undefined)
    assert.match(warnings.join(), /^the keys of sigstore cannot be had from 127\.0\.0\.1:\d+ \(.+\): provenance is not checked\. correct CGPU_SIGSTORE_URL/)
    // nor is it a mirror of the public one
    assert.equal((await ask({url: mine.url}, 'mirror'))?.fresh, false)
  })

  it('that cannot be had from a host that somebody chose are a warning that names it', async () => {
    const gone = await tufRepository('trusted_root.json', '{}')
    await gone.stop()
    assert.equal(await ask({url: gone.url, root}, 'dead'), undefined)
    assert.match(warnings[0] ?? '', new RegExp(`^the keys of sigstore cannot be had from ${new URL(gone.url).host.replaceAll('.', '\\.')} \\(.*ECONNREFUSED.*\\): provenance is not checked\\.`))
    const bundled = await ask({url: gone.url}, 'dead')
    assert.equal(bundled?.fresh, false)
    assert.match(warnings[1] ?? '', /: those that were known before are used\./)
  })

  it('come from an address and a file, or that is said before anything is asked', async () => {
    for (const url of ['nonsense', 'file:///etc/passwd', 'ftp://example.com']) await assert.rejects(ask({url}, 'bad'), {code: 'SIGSTORE_URL_INVALID', exit: 64})
    await assert.rejects(ask({url: mine.url, root: join(folder, 'nothing.json')}, 'bad'), {code: 'PLUGIN_TRUSTED_ROOT', exit: 65})
    assert.deepEqual(warnings, [])
  })
})
