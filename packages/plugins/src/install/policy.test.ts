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
    const wrong = {
      allow: 'x', deny: 'x', requireSignature: 1, requireProvenance: null, trustedRoot: 1, minimumAgeDays: -1, sources: ['web'], allowTrust: 'no', index: {from: 'x'}, denny: ['x'],
    }
    for (const content of ['{', '[]', {}, {version: 2}, ...Object.entries(wrong).map(([key, value]) => ({version: 1, [key]: value})), {version: 1, index: {from: 'x', key: 'y', more: 1}}, '']) {
      write(content)
      await assert.rejects(ask(), {code: 'PLUGIN_POLICY_BROKEN'}, JSON.stringify(content))
      // a start looks at it in another way, and must come to the same
      assert.match(forbidden(folder, {})('x', false) ?? '', /cannot be (?:read|understood)$/, JSON.stringify(content))
    }
    write({version: 1})
    const named = {CGPU_PLUGIN_POLICY: join(folder, 'none.json')}
    await assert.rejects(Policies.read(folder, named), {code: 'PLUGIN_POLICY_BROKEN'})
    assert.match(forbidden(folder, named)('x', false) ?? '', /none\.json cannot be read$/)
    write({version: 1, allow: ['x'], deny: [], requireSignature: true, requireProvenance: true, trustedRoot: 'x', minimumAgeDays: 1, sources: ['registry', 'tarball', 'git', 'link'], allowTrust: false, index: {from: 'x', key: 'y'}})
    await Policies.read(folder, {})
    assert.equal(forbidden(folder, {})('x', false), undefined)
  })

  it('holds at every start too', () => {
    const at = (content: unknown, trusted = false) => {
      write(content)
      return forbidden(folder, {})('x', trusted) !== undefined
    }
    assert.deepEqual([at({version: 1}), at({version: 1}, true), at({version: 1, allow: ['x']}), at({version: 1, deny: ['y']})], [false, false, false, false])
    assert.deepEqual([at({version: 1, deny: ['x']}), at({version: 1, allow: ['y']}), at({version: 1, allowTrust: false}, true), at('{'), at({version: 1, deny: 'x'}), at({version: 1, allow: 'x'}), at('[]')], [true, true, true, true, true, true, true])
    write({version: 1})
    // a file is where its folder should be: nobody can tell what it says
    assert.match(forbidden(folder, {CGPU_PLUGIN_POLICY: join(folder, 'plugin-policy.json', 'policy.json')})('x', false) ?? '', /cannot be read/)
  })
})
