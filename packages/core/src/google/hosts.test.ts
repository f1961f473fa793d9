import assert from 'node:assert/strict'
import {colabElsewhere, googleHosts, hostSettings} from './hosts.ts'

const from = (settings: Record<string, string>) => (key: string): string | undefined => settings[key]

describe('where Google is', () => {
  it('is Google, over https, unless settings say otherwise', () => {
    for (const url of Object.values(googleHosts(from({})))) assert.match(url, /^https:\/\/[a-z0-9.]+\.(google|googleapis)\.com(\/|$)/)
  })

  it('is one emulator for all, and each host can be moved alone', () => {
    const emulator = googleHosts(from({'colab-emulator': 'http://127.0.0.1:8/'}))
    for (const url of Object.values(emulator)) assert.ok(url === 'http://127.0.0.1:8' || url.startsWith('http://127.0.0.1:8/'), url)
    for (const [name, key] of Object.entries(hostSettings)) {
      const moved = googleHosts(from({'colab-emulator': 'http://127.0.0.1:8', [key]: 'https://other.example/at/'}))
      assert.deepEqual(moved, {...emulator, [name]: 'https://other.example/at'})
    }
  })

  for (const good of ['http://localhost:1', 'http://127.0.0.1:1', 'http://127.9.9.9', 'http://[::1]:1', 'https://emulator.example'])
    it(`may be ${good}`, () => assert.equal(googleHosts(from({'colab-url': good})).colab, good))

  for (const bad of [
    'http://emulator.example', 'http://127.0.0.1.example', 'http://localhost.example', 'http://10.0.0.1', 'http://0.0.0.0', 'http://[::ffff:127.0.0.1]',
    'https://user:word@emulator.example', 'http://localhost@emulator.example', 'ftp://localhost', 'file:///tmp', 'emulator', '',
  ]) {
    it(`may not be ${JSON.stringify(bad)}`, () => {
      for (const key of ['colab-emulator', ...Object.values(hostSettings)]) assert.throws(() => googleHosts(from({[key]: bad})), {code: 'INVALID_URL', exit: 64})
    })
  }

  it('is elsewhere where an emulator or another Colab is set', () => {
    assert.equal(colabElsewhere(from({})), undefined)
    assert.equal(colabElsewhere(from({'colab-url': 'https://colab.research.google.com/'})), undefined)
    assert.equal(colabElsewhere(from({'colab-emulator': 'http://127.0.0.1:8/'})), 'http://127.0.0.1:8')
    assert.equal(colabElsewhere(from({'colab-emulator': 'http://127.0.0.1:8', 'colab-url': 'https://other.example/at'})), 'https://other.example')
    assert.equal(colabElsewhere(from({'colab-emulator': 'no address'})), undefined)
  })
})
