import assert from 'node:assert/strict'
import {generateKeys} from './envelope.ts'
import {UpdateServer} from './server.ts'

describe('an update server', () => {
  const open = (url: string | null, keys: string[]): UpdateServer => new UpdateServer({url, keys, patience: 1}, {get: async () => 0, raise: async () => undefined})

  it('is asked for nothing by a build that has no server or no key to trust', () => {
    const cases = [[null, [generateKeys().publicKey], /no server that they come from/], ['https://updates.example.com/', [], /no key to check what https:\/\/updates\.example\.com\/ gives/], [null, [], /built without/]] as const
    for (const [url, keys, message] of cases) assert.throws(() => open(url, [...keys]), {code: 'UPDATE_NOT_CONFIGURED', exit: 64, message})
  })

  it('is reached by https, and by http on this computer only', () => {
    const {publicKey} = generateKeys()
    for (const url of ['http://updates.example.com/', 'ftp://127.0.0.1/', 'updates.example.com', 'http://127.0.0.1.example.com/']) assert.throws(() => open(url, [publicKey]), {code: 'UPDATE_URL_INVALID'}, url)
    for (const url of ['https://updates.example.com/cgpu', 'http://127.0.0.1:8000/', 'http://[::1]/']) assert.ok(open(url, [publicKey]).at('versions.json').href.endsWith('/versions.json'))
  })
})
