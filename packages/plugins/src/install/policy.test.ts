import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Policies, type PolicyQuestion} from './policy.ts'
import {forbidden} from './policy-names.ts'

describe('a policy of plugins', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cgpu-policy-'))
  })
  afterEach(() => rmSync(folder, {recursive: true, force: true}))
  const write = (content: unknown): void => writeFileSync(join(folder, 'plugin-policy.json'), typeof content === 'string' ? content : JSON.stringify(content))
  const ask = async (more: Partial<PolicyQuestion> = {}) =>
    (await Policies.read(folder, {})).problem({name: '@a/x', version: '1.0.0', source: 'registry', signature: 'signed', provenance: 'verified', publishedAt: '2026-01-01T00:00:00.000Z', trusted: false, ...more}, new Date('2026-01-03T00:00:00Z'))?.message

  it('is none where there is no file', async () => assert.equal(await ask(), undefined))

  it('allows and denies by name, source, signature, age and level', async () => {
    const cases: [rules: object, more: Partial<PolicyQuestion>, why: RegExp | undefined][] = [
      [{deny: ['@a/*']}, {}, /denied/], [{deny: ['b']}, {}, undefined], [{allow: ['@a/x']}, {}, undefined], [{allow: ['@a/*'], deny: ['@a/x']}, {}, /denied/], [{allow: []}, {}, /not on the list/],
      [{sources: ['registry']}, {source: 'git'}, /must come from: registry/], [{requireSignature: true}, {signature: 'unsigned'}, /signed/], [{requireSignature: true}, {signature: 'unchecked'}, /signed/],
      [{requireSignature: true}, {source: 'link', signature: 'none'}, undefined], [{requireProvenance: true}, {}, undefined], [{requireProvenance: true}, {source: 'link', provenance: 'none'}, undefined],
      [{requireProvenance: true}, {provenance: 'unchecked'}, /could not be checked/], [{requireProvenance: true}, {source: 'tarball', provenance: 'none'}, /it does not say/], [{allowTrust: false}, {trusted: true}, /own process/], [{minimumAgeDays: 3}, {}, /3 days/], [{minimumAgeDays: 2}, {}, undefined], [{minimumAgeDays: 1}, {publishedAt: undefined}, /1 days/],
    ]
    for (const [rules, more, why] of cases) {
      write({version: 1, ...rules})
      const found = await ask(more)
      if (why) assert.match(found ?? '', why, JSON.stringify(rules))
      else assert.equal(found, undefined, JSON.stringify(rules))
    }
  })

  it('that cannot be understood forbids everything', async () => {
    for (const content of ['{', '[]', {version: 2}, {version: 1, denny: ['x']}, {version: 1, deny: 'x'}, '']) {
      write(content)
      await assert.rejects(ask(), {code: 'PLUGIN_POLICY_BROKEN'}, JSON.stringify(content))
    }
    await assert.rejects(Policies.read(folder, {CGPU_PLUGIN_POLICY: join(folder, 'none.json')}), {code: 'PLUGIN_POLICY_BROKEN'})
  })

  it('holds at every start too', () => {
    const at = (content: unknown, trusted = false) => {
      write(content)
      return forbidden(folder, {})('x', trusted) !== undefined
    }
    assert.deepEqual([at({version: 1}), at({version: 1}, true), at({allow: ['x']}), at({deny: ['y']})], [false, false, false, false])
    assert.deepEqual([at({deny: ['x']}), at({allow: ['y']}), at({allowTrust: false}, true), at('{'), at({deny: 'x'}), at({allow: 'x'}), at('[]')], [true, true, true, true, true, true, true])
    write({version: 1})
    // a file is where its folder should be: nobody can tell what it says
    assert.match(forbidden(folder, {CGPU_PLUGIN_POLICY: join(folder, 'plugin-policy.json', 'policy.json')})('x', false) ?? '', /cannot be read/)
  })
})
