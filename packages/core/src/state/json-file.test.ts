import assert from 'node:assert/strict'
import {mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import * as fc from 'fast-check'
import {JsonFile} from './json-file.ts'
import {isStringRecord, parseJson} from './json.ts'

interface Words {
  words: Record<string, string>
}

describe('JsonFile', () => {
  let folder = ''
  let path = ''
  let warnings: string[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-json-'))
    path = join(folder, 'words.json')
    warnings = []
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  const open = (version = 2): JsonFile<Words> => new JsonFile<Words>({
    path, version,
    initial: () => ({words: {}}),
    parse: value => (isStringRecord(value['words']) ? {words: value['words']} : undefined),
    onWarning: message => warnings.push(message),
    maxBytes: 2 ** 20,
  })
  const add = (key: string, value: string): Promise<Words> => open().update(({words}) => ({words: {...words, [key]: value}}))

  it('starts with the initial value and writes nothing by reading', async () => {
    assert.deepEqual(await open().read(), {words: {}})
    assert.deepEqual(await readdir(folder), [])
  })

  it('keeps what was written, its version, private permissions and one backup', async () => {
    await add('a', '1')
    await add('b', '2')
    assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), {version: 2, words: {a: '1', b: '2'}})
    assert.deepEqual(JSON.parse(await readFile(`${path}.bak`, 'utf8')), {version: 2, words: {a: '1'}})
    assert.deepEqual((await readdir(folder)).sort(), ['words.json', 'words.json.bak'])
    if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
  })

  it('writes nothing when the function returns undefined or throws', async () => {
    await add('a', '1')
    assert.deepEqual(await open().update(() => undefined), {words: {a: '1'}})
    await assert.rejects(open().update(() => { throw new Error('no') }), /no/)
    assert.deepEqual(await open().read(), {words: {a: '1'}})
    assert.deepEqual(await readdir(folder), ['words.json'])
  })

  const broken: [string, string | Uint8Array][] = [
    ['empty', ''], ['half JSON', '{"version": 2, "words": {"a"'], ['NULs', '\0\0\0\0'], ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['an array', '[]'], ['null', 'null'], ['a wrong type', '{"version": 2, "words": {"a": 1}}'], ['a wrong version', '{"version": "two", "words": {}}'],
    ['deep nesting', '['.repeat(200_000) + ']'.repeat(200_000)], ['deep nesting under __proto__', `{"__proto__":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
    ['giant', `{"version": 2, "words": {"a": "${'x'.repeat(2 ** 20)}"}}`],
  ]
  for (const [name, content] of broken) {
    it(`sets a broken file aside (${name}), continues with the backup and says so`, async () => {
      await add('a', '1')
      await add('b', '2')
      await writeFile(path, content)
      assert.deepEqual(await open().read(), {words: {a: '1'}})
      assert.equal(warnings.length, 1)
      assert.match(warnings[0] ?? '', /words\.json was broken .*corrupt-.*backup is used/)
      const aside = (await readdir(folder)).find(entry => entry.includes('.corrupt-')) ?? ''
      assert.deepEqual(await readFile(join(folder, aside)), Buffer.from(content))
      assert.deepEqual(await open().read(), {words: {a: '1'}})
      assert.equal(warnings.length, 1, 'said once')
      await add('c', '3')
      assert.deepEqual(await open().read(), {words: {a: '1', c: '3'}})
    })
  }

  it('sets a broken file aside in update as well, and starts empty without a backup', async () => {
    await writeFile(path, '{')
    await add('a', '1')
    assert.deepEqual(await open().read(), {words: {a: '1'}})
    assert.match(warnings[0] ?? '', /an empty one is used/)
  })

  it('ignores a broken backup', async () => {
    await writeFile(path, '')
    await writeFile(`${path}.bak`, '')
    assert.deepEqual(await open().read(), {words: {}})
  })

  it('sets a broken file aside once when many read it', async () => {
    await add('a', '1')
    await add('b', '2')
    await writeFile(path, '')
    const values = await Promise.all(Array.from({length: 8}, () => open().read()))
    assert.deepEqual(values, Array.from({length: 8}, () => ({words: {a: '1'}})))
    assert.equal(warnings.length, 1)
  })

  it('reads what a newer cgpu wrote but never writes over it', async () => {
    await writeFile(path, '{"version": 3, "words": {"a": "1"}, "more": 1}')
    assert.deepEqual(await open().read(), {words: {a: '1'}})
    await assert.rejects(add('b', '2'), {code: 'STATE_TOO_NEW', exit: 73, fix: /update cgpu/})
    await writeFile(path, '{"version": 3, "terms": []}')
    await assert.rejects(open().read(), {code: 'STATE_TOO_NEW'})
    await assert.rejects(add('b', '2'), {code: 'STATE_TOO_NEW'})
    assert.equal(await readFile(path, 'utf8'), '{"version": 3, "terms": []}')
    assert.deepEqual(await readdir(folder), ['words.json'])
  })

  it('reads older and unversioned files, with a byte order mark too', async () => {
    await writeFile(path, '\ufeff{"words": {"a": "1"}}')
    assert.deepEqual(await open().read(), {words: {a: '1'}})
    await writeFile(path, '{"version": 1, "words": {"a": "1"}}')
    await add('b', '2')
    assert.equal((JSON.parse(await readFile(path, 'utf8')) as {version: number}).version, 2) // written by add
  })

  it('writes through a link of the user', async () => {
    await mkdir(join(folder, 'dotfiles'))
    await writeFile(join(folder, 'dotfiles', 'w.json'), '{"words": {}}')
    await symlink(join(folder, 'dotfiles', 'w.json'), path)
    await add('a', '1')
    assert.match(await readFile(join(folder, 'dotfiles', 'w.json'), 'utf8'), /"a": "1"/)
  })

  it('works on without what it can neither read nor replace, but refuses to change it', async () => {
    await mkdir(path)
    assert.deepEqual(await open().read(), {words: {}})
    assert.match(warnings[0] ?? '', /is broken .* cannot be replaced; it counts as empty/)
    await assert.rejects(add('a', '1'), {code: 'CANNOT_WRITE', message: /a folder is in its place/})
  })

  it('keeps any words', async () => {
    await fc.assert(fc.asyncProperty(fc.dictionary(fc.string({unit: 'binary'}), fc.string({unit: 'binary'}), {noNullPrototype: true}), async words => {
      delete words['__proto__']
      await open().update(() => ({words}))
      assert.deepEqual(await open().read(), {words})
    }), {numRuns: 30})
  })
})

describe('parseJson', () => {
  it('never pollutes, however __proto__ is written', () => {
    for (const key of ['__proto__', String.raw`\u005f_proto__`, String.raw`__\u0070roto__`, String.raw`__prot\u006f__`, String.raw`__pr\u006Fto__`]) {
      const value = parseJson(`{"${key}": {"polluted": 1}, "a": {"${key}": {"polluted": 1}}}`)
      assert.deepEqual(Object.keys(value as object), ['a']) // an object literal
      assert.equal((Object.assign({}, value) as {polluted?: number}).polluted, undefined) // the key of the attack
    }
  })

  it('is JSON.parse for everything else', () => {
    fc.assert(fc.property(fc.json(), text => {
      if (/proto/.test(text)) return
      assert.deepEqual(parseJson(text), JSON.parse(text))
    }))
  })
})
