import assert from 'node:assert/strict'
import {createHmac} from 'node:crypto'
import {isNonce, isProof, newNonce, newToken, proofOf} from './handshake.ts'

describe('who is at the other end', () => {
  const nonces = {client: newNonce(), server: newNonce()}
  const token = newToken()

  it('is shown by an HMAC over both nonces', () => {
    assert.equal(proofOf(token, 'server', nonces), createHmac('sha256', token).update(`cgpu-daemon server ${nonces.client} ${nonces.server}`).digest('base64url'))
  })

  it('is believed of nobody else', () => {
    const proof = proofOf(token, 'server', nonces)
    assert.equal(isProof(proof, token, 'server', nonces), true)
    const others = [proofOf(token, 'client', nonces), proofOf(newToken(), 'server', nonces), proofOf(token, 'server', {...nonces, client: newNonce()}), proof.slice(1), `${proof}A`, '', undefined, 1]
    assert.deepEqual(others.map((other) => isProof(other, token, 'server', nonces)), others.map(() => false))
    // one character at either end
    for (const at of [0, proof.length - 2]) {
      const changed = proof.slice(0, at) + (proof[at] === 'A' ? 'B' : 'A') + proof.slice(at + 1)
      assert.equal(isProof(changed, token, 'server', nonces), false)
    }
  })

  it('is asked with a new nonce each time', () => {
    const many = Array.from({length: 100}, newNonce)
    assert.equal(new Set(many).size, 100)
    assert.ok(many.every(isNonce))
    assert.deepEqual(['', 'a'.repeat(42), 'a'.repeat(44), `${'a'.repeat(42)} `, 1].map(isNonce), Array(5).fill(false))
  })
})
