import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {CgpuError} from '../errors.ts'
import {embeddedLimit, parseEmbedded} from './embedded.ts'

const block = (toml: string): string => `#!/usr/bin/env -S cgpu run\n# /// cgpu\n${toml.split('\n').map(line => (line === '' ? '#' : `# ${line}`)).join('\n')}\n# ///\nprint(1)\n`

describe('settings embedded in a script', () => {
  it('are read with every field', async () => {
    const toml = `
gpu = "t4"
packages = ["torch==2.5", "rich"]
requirements = "requirements.txt"

env = ["HF_TOKEN"]
include = ["data"]
outputs = ["*.pt"]
cwd = "/content"
keep = true`
    const found = await parseEmbedded(block(toml), 'train.py')
    assert.deepEqual(found?.settings, {
      gpu: 't4', packages: ['torch==2.5', 'rich'], requirements: 'requirements.txt', env: ['HF_TOKEN'], include: ['data'], outputs: ['*.pt'], cwd: '/content', keep: true,
    })
    assert.deepEqual([found?.line, found?.lineOf('gpu'), found?.lineOf('keep')], [2, 4, 12])
  })

  it('may end in CRLF', async () => {
    assert.deepEqual((await parseEmbedded(block('gpu = "t4"').replaceAll('\n', '\r\n'), 'a.py'))?.settings, {gpu: 't4'})
  })

  it('may be absent', async () => {
    for (const source of ['', 'print(1)', '# /// script\n# dependencies = []\n# ///\n', '  # /// cgpu\n', 'x = "# /// cgpu"\n', '# /// cgpus\n# ///\n', '\0\ufffd']) assert.equal(await parseEmbedded(source, 'a.py'), undefined)
  })

  it('are only looked for near the top', async () => {
    assert.equal(await parseEmbedded('#\n'.repeat(embeddedLimit) + block('gpu = "t4"'), 'a.py'), undefined)
  })

  for (const [what, source, message] of [
    ['an unknown key', block('keep = true\ngup = "t4"'), 'a.py:4: there is no setting "gup" for scripts'],
    ['a wrong type', block('packages = "torch"'), 'a.py:3: "packages" must be a list of texts'],
    ['a number for text', block('gpu = 4090'), 'a.py:3: "gpu" must be text in quotes'],
    ['text for a boolean', block('keep = "yes"'), 'a.py:3: "keep" must be true or false'],
    ['an empty text', block('cwd = ""'), 'a.py:3: "cwd" must be text in quotes'],
    ['a value in env', block('env = ["TOKEN=abc"]'), 'a.py:3: "env" takes names of variables only; values do not belong into a script'],
    ['an odd name in env', block('env = ["A B"]'), 'a.py:3: "env" holds "A B", which cannot be the name of a variable'],
    ['two accelerators', block('gpu = "t4"\ntpu = "v5e"'), 'a.py:4: "gpu" and "tpu" exclude each other'],
    ['a second block', block('gpu = "t4"') + block('gpu = "l4"'), 'a.py:7: a second "# /// cgpu" block'],
    ['no end', '# /// cgpu\n# gpu = "t4"\n\nprint(1)', 'a.py:1: the "# /// cgpu" block is never closed'],
    ['a table', block('[run]\ngpu = "t4"'), 'a.py:3: there is no setting "run" for scripts'],
  ] as const) {
    it(`are refused with ${what}, naming the line`, () => assert.rejects(parseEmbedded(source, 'a.py'), {code: 'SCRIPT_SETTINGS_INVALID', exit: 65, message}))
  }

  it('are refused when they are not TOML, naming the line', () => assert.rejects(parseEmbedded(block('keep = true\ngpu = t4'), 'a.py'), {code: 'SCRIPT_SETTINGS_INVALID', exit: 65, message: /^a\.py:4: /}))

  it('are read or refused, whatever they hold', async () => {
    const toml = fc.oneof(fc.string(), fc.array(fc.constantFrom('gpu', 'env', '=', '"', '[', ']', '{', '}', '\n', '.', '__proto__', 'true', '1', ',', ' ', "'''")).map(parts => parts.join('')), fc.constant(`gpu = ${'['.repeat(10_000)}`))
    await fc.assert(fc.asyncProperty(toml, async text => {
      try {
        await parseEmbedded(block(text), 'a.py')
      } catch (error) {
        assert.ok(error instanceof CgpuError && error.code === 'SCRIPT_SETTINGS_INVALID', String(error))
      }
      assert.equal(({} as {gpu?: string}).gpu, undefined)
    }), {numRuns: 1000})
  })
})
