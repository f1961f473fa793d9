import assert from 'node:assert/strict'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

const nbh = (n: number): string => `${String(n).padStart(8, '0')}_1234_4234_9234_123456789abc`.padEnd(44, '.')

describe('dialect T', () => {
  let control: TestControl
  beforeEach(async () => { control = await startControl() })
  afterEach(() => control.stop())

  it('assigns by GET and POST, lists, and unassigns', async () => {
    const path = `/tun/m/assign?nbh=${nbh(1)}&variant=GPU&accelerator=T4&authuser=0`
    const {token, ...offer} = await control.json(path)
    assert.deepEqual(offer, {acc: 'T4', nbh: nbh(1), p: false, variant: 'GPU'})
    const made = await control.json(path, {method: 'POST', headers: {'x-goog-colab-token': String(token)}})
    assert.equal(made['outcome'], 4)
    const listed = await control.json('/tun/m/assignments')
    assert.deepEqual((listed['assignments'] as {endpoint: string}[]).map((one) => one.endpoint), [made['endpoint']])
    const unassign = `/tun/m/unassign/${String(made['endpoint'])}`
    const paired = await control.json(unassign)
    assert.equal((await control.call(unassign, {method: 'POST', headers: {'x-goog-colab-token': String(paired['token'])}})).status, 204)
    assert.deepEqual(await control.json('/tun/m/assignments'), {assignments: []})
  })
})
