import assert from 'node:assert/strict'
import fc from 'fast-check'
import {errors} from '@cgpu/core/errors'
import type {KernelHost} from '@cgpu/core/provider'
import type {Message} from '@cgpu/jupyter'
import {kernelRequests} from './kernel-requests.ts'

const message = (type: string, request: unknown, id: unknown = 1, msgType = 'colab_request'): Message => ({
  channel: 'iopub',
  header: {msg_id: 'm', msg_type: msgType},
  parent_header: {},
  metadata: {colab_request_type: type, ...(id === null ? {} : {colab_msg_id: id})},
  content: {request},
  buffers: [],
})

const host: KernelHost = {
  secret: async (name) => (name === 'GRANTED' ? {exists: true, access: true, value: 'v4lue'} : {exists: name === 'OTHER', access: false}),
}

describe('what Colab\'s library asks', () => {
  const asked: unknown[] = []
  let fail: Error | undefined
  const answer = kernelRequests({
    async authorize(what, given) {
      asked.push(what, await given.consent?.({message: 'm', url: 'https://example.com/'}))
      if (fail) throw fail
    },
  })
  const reply = (fields: object, id: unknown = 1): object => ({type: 'colab_reply', colab_msg_id: id, ...fields})

  beforeEach(() => {
    asked.length = 0
    fail = undefined
  })

  it('gets the secrets that were granted, and of others whether they exist', async () => {
    assert.deepEqual(await answer(message('GetSecret', {key: 'GRANTED'}), host), reply({data: {exists: true, access: true, payload: 'v4lue'}}))
    assert.deepEqual(await answer(message('GetSecret', {key: 'OTHER'}, 2), host), reply({data: {exists: true, access: false}}, 2))
    assert.deepEqual(await answer(message('GetSecret', {key: 'NONE'}, 'x'), host), reply({data: {exists: false, access: false}}, 'x'))
    assert.deepEqual(await answer(message('GetSecret', {}), host), reply({error: 'cgpu: the name of the secret is missing'}))
  })

  it('gets credentials, with the consent of whoever is there', async () => {
    assert.deepEqual(await answer(message('request_auth', {authType: 'dfs_ephemeral'}), {...host, consent: async () => true}), reply({}))
    assert.deepEqual(await answer(message('request_auth', {authType: 'auth_user_ephemeral'}), host), reply({}))
    assert.deepEqual(asked, ['drive', true, 'user', undefined])
  })

  it('learns why there are none', async () => {
    fail = errors.auth('the account must agree first', {code: 'CONSENT_REQUIRED', fix: 'open\nhttps://example.com/'})
    assert.deepEqual(await answer(message('request_auth', {authType: 'dfs_ephemeral'}), host), reply({error: 'cgpu: the account must agree first (open\\nhttps://example.com/)'}))
    assert.deepEqual(await answer(message('request_auth', {authType: 'new'}), host), reply({error: 'cgpu: credentials of the kind "new" cannot be given'}))
  })

  it('is refused at once whatever needs a page in a browser', async () => {
    const files = await answer(message('cell_javascript_eval', {script: 'google.colab._files…'}), host)
    assert.match((files as {error: string}).error, /files\.upload\(\).*cgpu cp/)
    const other = await answer(message('add_scratch_cell', {}), host)
    assert.match((other as {error: string}).error, /"add_scratch_cell" needs a Colab page/)
  })

  it('gets no answer where it wants none', async () => {
    assert.equal(await answer(message('cell_display_stdin', {delayMillis: 1}, null), host), undefined)
    assert.equal(await answer(message('GetSecret', {key: 'GRANTED'}, 1, 'another_type'), host), undefined)
  })

  it('never gets an exception, whatever it sends', async () => {
    const strange = fc.record({type: fc.constantFrom('GetSecret', 'request_auth', 'x', '\u0000'), request: fc.anything(), id: fc.anything()})
    await fc.assert(
      fc.asyncProperty(strange, async ({type, request, id}) => {
        const got = await answer(message(type, request, id), host)
        if (got !== undefined) assert.doesNotMatch(JSON.stringify(got), /v4lue/)
      }),
    )
  })
})
