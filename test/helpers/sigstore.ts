import {createHash, generateKeyPairSync, type KeyObject, sign} from 'node:crypto'

/** A sigstore of one's own: an authority, a log of certificates and one of signatures, each with a key made for the test. */
export interface TestSigstore {
  /** as a trusted_root.json */
  root: object
  /** The registry's answer for a package that a workflow built. */
  attest(what: Attested): {attestations: {predicateType: string; bundle: Bundle}[]}
}

export interface Attested {
  name: string
  version: string
  /** of the tarball */
  sha512: string
  /** what the statement says; default: what the certificate does */
  claims?: string
  /** of the certificate */
  source?: string
  builder?: string
  issuer?: string
  /** the certificate's subject; an address instead of a workflow: a person's */
  email?: string
}

export interface Bundle {
  mediaType: string
  dsseEnvelope: {payload: string; payloadType: string; signatures: {sig: string; keyid: string}[]}
  verificationMaterial: {certificate: {rawBytes: string}; tlogEntries: Record<string, unknown>[]}
}

const tlv = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts)
const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text))
const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const base128 = (value: number): number[] => (value < 128 ? [value] : [...base128(Math.floor(value / 128)).map((one) => one | 0x80), value % 128])
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}
const time = (date: Date): Buffer => tlv(0x18, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')))
const uint = (value: number, bytes: number): Buffer => Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')
const extension = (id: string, value: Uint8Array, critical = false): Buffer => sequence(oid(id), ...(critical ? [Buffer.from([0x01, 0x01, 0xff])] : []), tlv(0x04, value))

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))
const fulcio = '1.3.6.1.4.1.57264.1'
const spki = (key: KeyObject): Buffer => key.export({type: 'spki', format: 'der'})
const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
const pair = () => generateKeyPairSync('ec', {namedCurve: 'prime256v1'})

interface Tbs {
  issuer: string
  subject: string | undefined
  key: KeyObject
  now: Date
  extensions: Buffer[]
}

function tbs({issuer, subject, key, now, extensions}: Tbs): Buffer {
  const named = (name: string | undefined): Buffer => sequence(...(name === undefined ? [] : [tlv(0x31, sequence(oid('2.5.4.3'), utf8(name)))]))
  const minutes = (count: number): Buffer => time(new Date(now.getTime() + count * 60_000))
  return sequence(tlv(0xa0, tlv(0x02, Buffer.from([2]))), tlv(0x02, Buffer.from([1])), ecdsaWithSha256, named(issuer), sequence(minutes(-10), minutes(10)), named(subject), spki(key), tlv(0xa3, sequence(...extensions)))
}

const certificate = (body: Buffer, by: KeyObject): Buffer => sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.from([0]), sign('sha256', body, by)))

export function testSigstore(now = new Date()): TestSigstore {
  const [authority, certificates, log] = [pair(), pair(), pair()]
  const issuerName = 'a test authority'
  const ca = certificate(tbs({issuer: issuerName, subject: issuerName, key: authority.publicKey, now, extensions: [extension('2.5.29.19', sequence(Buffer.from([0x01, 0x01, 0xff])), true)]}), authority.privateKey)
  const logId = (key: KeyObject): Buffer => sha256(spki(key))
  const validFor = {start: new Date(now.getTime() - 3_600_000).toISOString()}
  const logged = (key: KeyObject, baseUrl: string): object => ({
    baseUrl, hashAlgorithm: 'SHA2_256', logId: {keyId: logId(key).toString('base64')}, publicKey: {rawBytes: spki(key).toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor},
  })

  /** What the log of certificates gives for one, before it has that in itself (RFC 6962). */
  const sct = (body: Buffer): Buffer => {
    const at = uint(now.getTime(), 8)
    const signed = sign('sha256', Buffer.concat([Buffer.from([0, 0]), at, uint(1, 2), sha256(spki(authority.publicKey)), uint(body.length, 3), body, uint(0, 2)]), certificates.privateKey)
    const one = Buffer.concat([Buffer.from([0]), logId(certificates.publicKey), at, uint(0, 2), Buffer.from([4, 3]), uint(signed.length, 2), signed])
    return tlv(0x04, uint(one.length + 2, 2), uint(one.length, 2), one)
  }

  const leaf = (key: KeyObject, {source, builder, issuer, email}: Required<Pick<Attested, 'source' | 'builder' | 'issuer'>> & Pick<Attested, 'email'>): Buffer => {
    const extensions = [
      extension('2.5.29.17', sequence(email === undefined ? tlv(0x86, Buffer.from(builder)) : tlv(0x81, Buffer.from(email))), true),
      extension(`${fulcio}.8`, utf8(issuer)), ...(email === undefined ? [extension(`${fulcio}.12`, utf8(source))] : []),
    ]
    const about = {issuer: issuerName, subject: undefined, key, now}
    return certificate(tbs({...about, extensions: [...extensions, extension('1.3.6.1.4.1.11129.2.4.2', sct(tbs({...about, extensions})))]}), authority.privateKey)
  }

  /** The entry of the log of signatures: the only one of its tree. */
  const entry = (body: Buffer): Record<string, unknown> => {
    const [keyId, integratedTime] = [logId(log.publicKey), Math.floor(now.getTime() / 1000)]
    const rootHash = sha256(Buffer.from([0]), body)
    const note = `log.test\n1\n${rootHash.toString('base64')}\n`
    const promise = JSON.stringify({body: body.toString('base64'), integratedTime, logID: keyId.toString('hex'), logIndex: 0})
    return {
      logIndex: '0', logId: {keyId: keyId.toString('base64')}, kindVersion: {kind: 'dsse', version: '0.0.1'}, integratedTime: String(integratedTime),
      inclusionPromise: {signedEntryTimestamp: sign('sha256', Buffer.from(promise), log.privateKey).toString('base64')},
      inclusionProof: {logIndex: '0', rootHash: rootHash.toString('base64'), treeSize: '1', hashes: [], checkpoint: {envelope: `${note}\n\u2014 log.test ${Buffer.concat([keyId.subarray(0, 4), sign('sha256', Buffer.from(note), log.privateKey)]).toString('base64')}\n`}},
      canonicalizedBody: body.toString('base64'),
    }
  }

  return {
    root: {
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1', tlogs: [logged(log.publicKey, 'https://log.test')], ctlogs: [logged(certificates.publicKey, 'https://ct.test')], timestampAuthorities: [],
      certificateAuthorities: [{subject: {organization: 'test', commonName: issuerName}, uri: 'https://ca.test', certChain: {certificates: [{rawBytes: ca.toString('base64')}]}, validFor}],
    },
    attest({name, version, sha512, source = 'https://github.com/alice/plugin', claims = source, builder = `${source}/.github/workflows/release.yml@refs/tags/v${version}`, issuer = 'https://token.actions.githubusercontent.com', email}) {
      const key = pair()
      const predicateType = 'https://slsa.dev/provenance/v1'
      const payloadType = 'application/vnd.in-toto+json'
      const payload = Buffer.from(JSON.stringify({
        _type: 'https://in-toto.io/Statement/v1', subject: [{name: `pkg:npm/${name.replace('@', '%40')}@${version}`, digest: {sha512}}], predicateType, predicate: {buildDefinition: {externalParameters: {workflow: {repository: claims}}}},
      }))
      const signature = sign('sha256', Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `), payload]), key.privateKey).toString('base64')
      const signer = leaf(key.publicKey, {source, builder, issuer, ...(email === undefined ? {} : {email})})
      const body = Buffer.from(JSON.stringify({apiVersion: '0.0.1', kind: 'dsse', spec: {payloadHash: {algorithm: 'sha256', value: sha256(payload).toString('hex')}, signatures: [{signature, verifier: signer.toString('base64')}]}}))
      const bundle: Bundle = {
        mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json', dsseEnvelope: {payload: payload.toString('base64'), payloadType, signatures: [{sig: signature, keyid: ''}]},
        verificationMaterial: {certificate: {rawBytes: signer.toString('base64')}, tlogEntries: [entry(body)]},
      }
      return {attestations: [{predicateType, bundle}]}
    },
  }
}
