import assert from 'node:assert/strict'
import {z} from 'zod'
import {generateKeys, openEnvelope, signEnvelope} from './envelope.ts'

const schema = z.object({answer: z.int()})
const payloadType = 'application/vnd.test+json'

describe('an envelope', () => {
  const [mine, other] = [generateKeys(), generateKeys()]
  const open = (text: string, keys = [mine.publicKey]): unknown => openEnvelope(text, {payloadType, schema, keys, address: 'channels/stable.json'})
  const signed = (...pems: string[]): string => JSON.stringify(signEnvelope(payloadType, {answer: 42}, pems))

  it('gives what a trusted key has signed, whoever else signed it', () => {
    assert.deepEqual(open(signed(mine.privateKey)), {answer: 42})
    assert.deepEqual(open(signed(other.privateKey, mine.privateKey)), {answer: 42})
    assert.deepEqual(open(signed(other.privateKey), [mine.publicKey, other.publicKey]), {answer: 42})
  })

  const envelope = signEnvelope(payloadType, {answer: 42}, [mine.privateKey])
  const refused: [what: string, text: string, code: string][] = [
    ['another key', signed(other.privateKey), 'UPDATE_WRONG_KEY'],
    ['no signature', JSON.stringify({...envelope, signatures: []}), 'UPDATE_UNSIGNED'],
    ['no envelope', JSON.stringify({answer: 42}), 'UPDATE_UNSIGNED'],
    ['another payload', JSON.stringify({...envelope, payload: btoa('{"answer":43}')}), 'UPDATE_SIGNATURE_INVALID'],
    ['another type', JSON.stringify({...envelope, payloadType: 'application/vnd.other+json'}), 'UPDATE_SIGNATURE_INVALID'],
    ['a document of another kind', JSON.stringify(signEnvelope('application/vnd.other+json', {answer: 42}, [mine.privateKey])), 'UPDATE_MANIFEST_INVALID'],
    ['a document of another shape', JSON.stringify(signEnvelope(payloadType, {answer: 'x'}, [mine.privateKey])), 'UPDATE_MANIFEST_INVALID'],
    ['the name of my key over the signature of another', JSON.stringify({...envelope, signatures: [{...envelope.signatures[0], sig: signEnvelope(payloadType, {answer: 42}, [other.privateKey]).signatures[0]?.sig}]}), 'UPDATE_SIGNATURE_INVALID'],
    ['half of it', signed(mine.privateKey).slice(0, 40), 'UPDATE_MANIFEST_INVALID'],
    ['nothing', '', 'UPDATE_MANIFEST_INVALID'],
    ['an absurd signature', JSON.stringify({...envelope, signatures: [{keyid: envelope.signatures[0]?.keyid, sig: 'AAAA'}]}), 'UPDATE_SIGNATURE_INVALID'],
  ]
  for (const [what, text, code] of refused) it(`is refused with ${what}`, () => assert.throws(() => open(text), {code}))

  it('needs a key that is one', () => assert.throws(() => open(signed(mine.privateKey), ['ed25519:short']), {code: 'UPDATE_KEY_INVALID'}))
})
