import assert from 'node:assert/strict'
import {generateKeyPairSync, sign} from 'node:crypto'
import {checkIntegrity, integrityOf} from './integrity.ts'
import {signatureState} from './signature.ts'

describe('the signature of a version', () => {
  const pair = generateKeyPairSync('ec', {namedCurve: 'prime256v1'})
  const key = {keyid: 'k', key: pair.publicKey.export({format: 'der', type: 'spki'}).toString('base64'), expires: null as string | null}
  const sig = sign('sha256', Buffer.from('x@1.0.0:sha512-abc'), pair.privateKey).toString('base64')
  const document = (more: object = {}) => ({name: 'x', version: '1.0.0', dist: {tarball: 'https://r/x.tgz', integrity: 'sha512-abc', signatures: [{keyid: 'k', sig}], ...more}})

  it('is right, missing, unknown or forged', () => {
    const cases: [object, typeof key[] | undefined, string | undefined, string][] = [
      [{}, [key], undefined, 'signed'], [{signatures: []}, [key], undefined, 'unsigned'], [{signatures: undefined}, [key], undefined, 'unsigned'], [{}, undefined, undefined, 'unchecked'], [{}, [{...key, keyid: 'other'}], undefined, 'unchecked'],
      [{integrity: 'sha512-abd'}, [key], undefined, 'forged'], [{signatures: [{keyid: 'k', sig: 'AAAA'}]}, [key], undefined, 'forged'], [{}, [{...key, key: 'AAAA'}], undefined, 'forged'],
      [{}, [{...key, expires: '2026-01-01T00:00:00Z'}], '2026-02-01T00:00:00Z', 'forged'], [{}, [{...key, expires: '2026-03-01T00:00:00Z'}], '2026-02-01T00:00:00Z', 'signed'],
      [{signatures: [{keyid: 'k', sig}, {keyid: 'k', sig: 'AAAA'}]}, [key], undefined, 'forged'],
    ]
    for (const [more, keys, at, expected] of cases) assert.equal(signatureState(document(more), keys, at), expected, JSON.stringify([more, keys?.length, at]))
  })

  it('needs a checksum that can be checked', () => {
    const bytes = Buffer.from('hello')
    checkIntegrity(bytes, {integrity: integrityOf(bytes)}, 'x')
    checkIntegrity(bytes, {shasum: 'aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d'}, 'x')
    for (const promised of [{}, {integrity: ''}, {integrity: 'md5-AAAA'}, {integrity: integrityOf(Buffer.from('other'))}, {shasum: '00'}, {integrity: 'sha512-AAAA'}]) {
      assert.throws(() => checkIntegrity(bytes, promised, 'x'), (error) => error instanceof Error && 'code' in error && error.code === 'PLUGIN_INTEGRITY', JSON.stringify(promised))
    }
  })
})
