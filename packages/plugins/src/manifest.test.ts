import assert from 'node:assert/strict'
import {describeCapability, manifestOf} from './manifest.ts'

describe('a plugin\'s manifest', () => {
  it('is none of a plain oclif plugin', () => {
    for (const pjson of [undefined, null, 'x', {}, {name: 'x'}]) assert.equal(manifestOf(pjson, 'x'), undefined)
  })

  it('tells what the plugin needs, and why', () => {
    const capabilities = [
      {use: 'net', hosts: ['api.example.com'], reason: 'uploads metrics'}, {use: 'files', read: ['./data'], reason: 'reads data'},
      {use: 'runtimes', access: 'manage', reason: 'makes one'}, {use: 'kernel', reason: 'measures'},
    ]
    const found = manifestOf({cgpu: {contract: 1, capabilities}}, 'x')
    assert.deepEqual(found?.capabilities.map(describeCapability), [
      'net: api.example.com (uploads metrics)', 'files: reads ./data (reads data)', 'runtimes: creates and releases runtimes (makes one)', 'kernel: code on your runtimes (measures)',
    ])
    assert.deepEqual(manifestOf({cgpu: {contract: 2}}, 'x'), {contract: 2, capabilities: []})
  })

  it('that is not understood is refused', () => {
    const bad = [
      1, null, {}, {contract: 0}, {contract: '1'}, {contract: 1, capabilities: {}}, {contract: 1, capabilities: [{use: 'everything', reason: 'x'}]},
      {contract: 1, capabilities: [{use: 'kernel'}]}, {contract: 1, capabilities: [{use: 'net', hosts: [], reason: 'x'}]},
    ]
    for (const cgpu of bad) assert.throws(() => manifestOf({cgpu}, 'x\u001b[2J'), error => error instanceof Error && 'code' in error && error.code === 'PLUGIN_MANIFEST' && !error.message.includes('\u001b'), JSON.stringify(cgpu))
  })
})
