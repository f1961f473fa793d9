import assert from 'node:assert/strict'
import fc from 'fast-check'
import {filterOf} from './filter.ts'
import {landing, meansContents} from './landing.ts'
import {batches, clash, isSame, type Item, planOf} from './plan.ts'
import type {Entry, Root} from './side.ts'

const file = (path: string, more: Partial<Entry> = {}): Entry => ({path, kind: 'file', size: 1, mtime: 1_000_000, mode: 0o644, ...more})
const item = (to: string, more: Partial<Entry> = {}): Item => ({from: 0, origin: {base: '/b', path: to}, to, entry: file(to, more)})
const root = (path: string, kind: Entry['kind'] = 'folder'): Root => ({path, entry: file('', {kind})})

describe('where a copy lands', () => {
  const cases: [string, string, Root, {path: string; place?: 'folder' | 'other'}, {base: string; names: string[]}][] = [
    ['a folder goes in under its name', 'src', root('/x/src'), {path: 'dst'}, {base: 'dst', names: ['src']}],
    ['also when the target is there', 'src', root('/x/src'), {path: 'dst', place: 'folder'}, {base: 'dst', names: ['src']}],
    ['its contents with a slash', 'src/', root('/x/src'), {path: 'dst'}, {base: 'dst', names: ['']}],
    ['of what has no name', '.', root('/x/src'), {path: 'dst'}, {base: 'dst', names: ['']}],
    ['a file gets the name', 'f', root('/x/f', 'file'), {path: 'd/g'}, {base: 'd', names: ['g']}],
    ['in a folder that is there', 'f', root('/x/f', 'file'), {path: 'd', place: 'folder'}, {base: 'd', names: ['f']}],
    ['in a folder that is meant', 'f', root('/x/f', 'file'), {path: 'd/'}, {base: 'd/', names: ['f']}],
    ['in the working folder', 'f', root('/x/f', 'file'), {path: ''}, {base: '', names: ['f']}],
    ['at the root', 'f', root('/x/f', 'file'), {path: '/g'}, {base: '/', names: ['g']}],
    ['with a backslash in its name', 'f', root('/x/f', 'file'), {path: 'a\\b'}, {base: '.', names: ['a\\b']}],
    ['on Windows', 'f', root('/x/f', 'file'), {path: 'C:\\d\\g'}, {base: 'C:\\d', names: ['g']}],
  ]
  for (const [what, spelled, one, target, want] of cases) {
    it(what, () => assert.deepEqual(landing([{root: one, spelled}], {place: undefined, ...target}, false), want))
  }

  it('several go into a folder', () => {
    assert.deepEqual(landing([{root: root('/x/f', 'file'), spelled: 'f'}], {path: 'd', place: undefined}, true), {base: 'd', names: ['f']})
    assert.equal(meansContents('..'), true)
    assert.equal(meansContents('a..'), false)
  })
})

describe('the plan of a copy', () => {
  it('leaves out what is there already, by size and time, as exact as the disk keeps times', () => {
    const seen = (mtime: number, size = 1) => ({kind: 'file' as const, size, mtime})
    const one = file('f', {mtime: 1_234_567_891})
    for (const mtime of [1_234_567_891, 1_234_567_890, 1_234_567_000, 1_234_000_000]) assert.ok(isSame(one, seen(mtime)), String(mtime))
    for (const mtime of [1_234_567_800, 1_235_000_000, 0]) assert.equal(isSame(one, seen(mtime)), false, String(mtime))
    assert.equal(isSame(one, seen(1_234_567_891, 2)), false)
    assert.equal(isSame(one, {...seen(1_234_567_891), kind: 'link'}), false)
    const plan = planOf([item('a'), item('b')], new Map([['a', seen(1_000_000)]]))
    assert.deepEqual([plan.same.map(({to}) => to), plan.files.map(({to}) => to), plan.bytes], [['a'], ['b'], 1])
  })

  it('keeps links that stay inside, and leaves out others and devices', () => {
    const plan = planOf([item('d/l', {kind: 'link', link: '../f'}), item('o', {kind: 'link', link: '/etc'}), item('p', {kind: 'other'}), item('u', {kind: 'unreadable'})], new Map())
    assert.deepEqual([plan.links.length, plan.left.map(({item: {to}}) => to), plan.unreadable.length], [1, ['o', 'p'], 1])
  })

  it('finds what would become the same file', () => {
    assert.equal(clash([item('a'), item('b')]), undefined)
    assert.equal(clash([item('d', {kind: 'folder'}), item('d', {kind: 'folder'})]), undefined)
    assert.equal(clash([item('a'), item('a')]), 'a')
    assert.equal(clash([item('d', {kind: 'folder'}), item('d')]), 'd')
  })

  it('puts every file into one batch, none larger than there is room', () => {
    fc.assert(fc.property(fc.array(fc.record({size: fc.integer({min: 0, max: 1000}), base: fc.constantFrom('/a', '/b')})), given => {
      const items = given.map(({size, base}, i) => ({...item(String(i), {size}), origin: {base, path: String(i)}}))
      const made = [...batches(items, () => 2000)]
      assert.deepEqual(made.flatMap(batch => batch.items), items)
      for (const batch of made) {
        assert.ok(batch.items.reduce((sum, {entry}) => sum + entry.size, 0) <= 2000)
        assert.ok(batch.items.every(({origin}) => origin.base === batch.base))
      }
    }))
  })

  it('takes what --include and --exclude mean', async () => {
    const most = await filterOf({exclude: ['*.log', '!keep.log', '/build/'], include: []})
    const kept = (paths: string[]) => paths.filter(path => most.keeps(path.replace(/\/$/, ''), path.endsWith('/')))
    assert.deepEqual(kept(['a.log', 'd/b.log', 'keep.log', 'build/', 'build/x', 'd/build/', 'a.txt']), ['keep.log', 'd/build/', 'a.txt'])
    const some = await filterOf({include: ['*.py', 'data/'], exclude: ['test_*']})
    assert.deepEqual(['a.py', 'test_a.py', 'b.txt', 'data/x', 'd/data/y'].filter(path => some.keeps(path, false)), ['a.py', 'data/x', 'd/data/y'])
    assert.equal(some.keeps('any', true), true)
  })
})
