import assert from 'node:assert/strict'
import {createServer} from 'node:http'
import {foreignRequest, listenOnLoopback} from './loopback.ts'

describe('a loopback server', () => {
  const cases: {name: string; raw: string[]; port?: number; foreign: boolean}[] = [
    {name: 'a program', raw: ['Host', '127.0.0.1:5000'], foreign: false},
    {name: 'one that says localhost', raw: ['host', 'LocalHost:5000'], foreign: false},
    {name: 'its own page', raw: ['Host', 'localhost:5000', 'Origin', 'http://127.0.0.1:5000'], foreign: false},
    {name: 'port 80 left out', raw: ['Host', 'localhost'], port: 80, foreign: false},
    {name: 'a name that was made to resolve here', raw: ['Host', 'evil.example:5000'], foreign: true},
    {name: 'a name that ends as ours', raw: ['Host', 'evil-localhost:5000'], foreign: true},
    {name: 'another port', raw: ['Host', '127.0.0.1:5001'], foreign: true},
    {name: 'no Host', raw: [], foreign: true},
    {name: 'two Hosts', raw: ['Host', '127.0.0.1:5000', 'Host', 'evil.example'], foreign: true},
    {name: 'a page of another site', raw: ['Host', '127.0.0.1:5000', 'Origin', 'https://evil.example'], foreign: true},
    {name: 'a page of another local port', raw: ['Host', '127.0.0.1:5000', 'Origin', 'http://127.0.0.1:8888'], foreign: true},
    {name: 'a page that has no origin', raw: ['Host', '127.0.0.1:5000', 'Origin', 'null'], foreign: true},
    {name: 'ours under https', raw: ['Host', '127.0.0.1:5000', 'Origin', 'https://127.0.0.1:5000'], foreign: true},
  ]
  for (const {name, raw, port = 5000, foreign} of cases) {
    it(`${foreign ? 'refuses' : 'takes'} ${name}`, () => assert.equal(foreignRequest({rawHeaders: raw}, port)?.status, foreign ? 403 : undefined))
  }

  it('says which port is in use', async () => {
    const [one, other] = [createServer(), createServer()]
    const port = await listenOnLoopback(one, 0)
    await assert.rejects(listenOnLoopback(other, port), {code: 'PORT_IN_USE', exit: 72})
    one.close()
  })
})
