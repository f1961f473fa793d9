import assert from 'node:assert/strict'
import {Readable, Writable} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import {brotliCompressSync, gzipSync} from 'node:zlib'
import fc from 'fast-check'
import {pageToken} from './page-token.ts'

const theirs = 'upstream-token-0123456789'
const html = {'content-type': 'text/html; charset=UTF-8', 'content-length': '5', etag: 'x'}

async function through(body: Buffer, cuts: readonly number[], {headers = html, token = theirs}: {headers?: Record<string, string>; token?: string} = {}): Promise<string> {
  const changed = pageToken(headers, token, 'OURS')
  assert.ok(changed)
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < body.length; turn++) {
    const size = cuts[turn % cuts.length] ?? body.length
    pieces.push(body.subarray(at, at + size))
    at += size
  }
  const out: Buffer[] = []
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      out.push(chunk)
      done()
    },
  })
  await pipeline([Readable.from(pieces), ...changed.through, sink])
  return Buffer.concat(out).toString('utf8')
}

describe('the token in a page', () => {
  it('is the proxy’s, wherever the body is cut, and nothing else changes', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.constant(theirs), fc.string({unit: 'grapheme'}))), fc.array(fc.integer({min: 1, max: 40}), {minLength: 1}), async (parts, cuts) => {
      const text = parts.join('')
      assert.equal(await through(Buffer.from(text), cuts), text.replaceAll(theirs, 'OURS'))
    }))
  })

  it('is found in compressed pages, too', async () => {
    const page = Buffer.from(`{"token": "${theirs}"}`)
    assert.equal(await through(gzipSync(page), [7], {headers: {...html, 'content-encoding': 'gzip'}}), '{"token": "OURS"}')
    assert.equal(await through(brotliCompressSync(page), [7], {headers: {...html, 'content-encoding': 'br'}}), '{"token": "OURS"}')
  })

  it('is found as pages spell it', async () => {
    const odd = 'a"b&c<d/0123456789'
    const page = `${JSON.stringify({token: odd})} a&#34;b&amp;c&lt;d/0123456789 ${encodeURIComponent(odd)}`
    assert.equal(await through(Buffer.from(page), [5], {token: odd}), '{"token":"OURS"} OURS OURS')
  })

  it('leaves a word of the page alone that is as short', async () => {
    assert.equal(await through(Buffer.from('jupyter {"token": "jupyter"} /lab?token=jupyter'), [3], {token: 'jupyter'}), 'jupyter {"token": "OURS"} /lab?token=OURS')
  })

  it('changes the head along with the body', () => {
    assert.deepEqual({...pageToken({...html, 'x-other': '1'}, theirs, 'OURS')?.headers}, {'content-type': html['content-type'], 'x-other': '1'})
  })

  it('leaves alone what is no page, and servers without a token', () => {
    assert.equal(pageToken({'content-type': 'application/json'}, theirs, 'OURS'), undefined)
    for (const none of ['', undefined]) assert.equal(pageToken(html, none, 'OURS'), undefined)
  })
})
