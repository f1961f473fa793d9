import assert from 'node:assert/strict'
import {mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join, relative} from 'node:path'
import {joinPairs} from '../parameters/values.ts'
import {isBatch, joinRuntimes, ofEachRun} from './flags.ts'
import {type PlanFlags, type PlanOptions, planRuns} from './plan.ts'
import {wordsOfRun} from './given.ts'
import {setWords} from './run.ts'
import {Sources} from './sources.ts'

const notebook = JSON.stringify({cells: [{cell_type: 'code', metadata: {tags: ['parameters']}, source: 'lr = 1\nname = ""', outputs: [], execution_count: null}], metadata: {}, nbformat: 4, nbformat_minor: 4})

describe('the plan of a batch', () => {
  let root: string
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cgpu-plan-'))
    for (const folder of ['one/deep', 'two', 'one/.ipynb_checkpoints', 'one/done']) await mkdir(join(root, folder), {recursive: true})
    for (const name of ['a', 'one/a', 'one/b', 'one/a.out', 'one/c.out', 'one/deep/d', 'two/a', 'one/.ipynb_checkpoints/a', 'one/done/a']) await writeFile(join(root, `${name}.ipynb`), notebook)
    await symlink(join(root, 'a.ipynb'), join(root, 'link.ipynb'))
  })
  after(() => rm(root, {recursive: true, force: true}))
  /** Paths below the root, in and out. */
  const planned = async (names: string[], {out, ...flags}: PlanFlags = {}) => {
    const runs = await planRuns(names.map((name) => join(root, name)), {...flags, ...(out === undefined ? {} : {out: `${root}/${out}`})}, {onWarning: () => {}})
    return runs.map(({notebook: from, output}) => [from, output].map((path) => relative(root, path)).join(' > '))
  }

  it('puts copies beside the notebooks, or into a folder', async () => {
    assert.deepEqual(await planned(['a.ipynb', 'one/b.ipynb']), ['a.ipynb > a.out.ipynb', 'one/b.ipynb > one/b.out.ipynb'])
    assert.deepEqual(await planned(['a.ipynb'], {grid: ['lr=0.1,2']}), ['a.ipynb > a.lr=0.1.out.ipynb', 'a.ipynb > a.lr=2.out.ipynb'])
    assert.deepEqual(await planned(['a.ipynb', 'one/b.ipynb'], {out: 'new/'}), ['a.ipynb > new/a.ipynb', 'one/b.ipynb > new/b.ipynb'])
    assert.deepEqual(await planned(['a.ipynb'], {out: 'two', grid: ['lr=1 name="x/../y",..']}), ['a.ipynb > two/a.lr=1,name=x_.._y.ipynb', 'a.ipynb > two/a.lr=1,name=__.ipynb'])
    assert.deepEqual(await planned(['a.ipynb', 'one/b.ipynb'], {inplace: true}), ['a.ipynb > a.ipynb', 'one/b.ipynb > one/b.ipynb'])
  })

  it('fills templates from names, numbers and parameters', async () => {
    assert.deepEqual(await planned(['a.ipynb'], {out: '{name}-{lr}-{n}{{}}.ipynb', parameters: ['name=base'], grid: ['lr=1e-3,True']}), ['a.ipynb > a-0.001-1{}.ipynb', 'a.ipynb > a-True-2{}.ipynb'])
    assert.deepEqual(await planned(['a.ipynb'], {out: 'by/{lr}/', grid: ['lr=1,2']}), ['a.ipynb > by/1/a.lr=1.ipynb', 'a.ipynb > by/2/a.lr=2.ipynb'])
    const [long = ''] = await planned(['a.ipynb'], {grid: [`name=${'x'.repeat(300)}`]})
    assert.match(long, /^a\.ipynb > a\.name=x{51}-[0-9a-f]{8}\.out\.ipynb$/)
  })

  it('goes to addresses and from them, each read once, and shows no secrets of theirs', async () => {
    const told: string[] = []
    const read = async (address: string) => ({data: Buffer.from(notebook), version: told.push(`read ${address}`)})
    const fresh = () => new Sources({config: {runHook: () => ({successes: [{plugin: {name: 'lake'}, result: {scheme: 'lake', resolve: () => ({ways: []}), read}}], failures: []})}, warn: () => undefined} as never) // as oclif's config answers
    const options = (): PlanOptions => ({onWarning: () => {}, sources: fresh(), openCopy: async (address) => told.push(`looked at ${address}`) as never}) // that it was asked for is all
    const runs = await planRuns(['lake://me:secret@pond/a%20b.ipynb'], {grid: ['lr=1,2'], out: 's3://bucket/{name}/', fetch: ['{set}/*.csv', 'all']}, options())
    assert.deepEqual(runs.map(({label, output, fetch, fetchTo}) => [label, output, fetch, fetchTo]), [1, 2].map((lr) => [`lake://pond/a%20b.ipynb lr=${lr}`, `s3://bucket/a b/a b.lr=${lr}.ipynb`, [`lr=${lr}/*.csv`, 'all'], `a b.lr=${lr}_files`]))
    assert.deepEqual(told.splice(0), ['read lake://me:secret@pond/a%20b.ipynb', 'looked at s3://bucket/a b/a b.lr=1.ipynb'])
    await planRuns(['lake://pond/a', 'lake://pond/b'], {inplace: true}, options())
    assert.deepEqual(told, ['looked at lake://pond/a', 'looked at lake://pond/b', 'read lake://pond/a', 'read lake://pond/b'], 'what is written there from then on is not replaced')
    const one = async (flags: PlanFlags) => (await planRuns([join(root, 'one')], {recursive: true, ...flags}, {onWarning: () => {}})).map(({output}) => output).slice(1, 2)
    assert.deepEqual(await one({out: 'https://host/a/', grid: ['name="ä b"']}), ['https://host/a/b.name=%C3%A4_b.ipynb'])
    assert.deepEqual(await one({out: 'drive:{name} #{n}.ipynb'}), ['drive:b #2.ipynb'])
  })

  it('says where what comes back comes to', async () => {
    const folders = async (flags: PlanFlags) => (await planRuns([join(root, 'a.ipynb')], {grid: ['lr=1,2'], fetch: ['x-{lr}'], ...flags}, {onWarning: () => {}})).map(({fetchTo}) => relative(root, fetchTo ?? ''))
    assert.deepEqual(await folders({}), ['a.lr=1.out_files', 'a.lr=2.out_files'])
    assert.deepEqual(await folders({'fetch-to': join(root, 'all')}), ['all', 'all'])
    await assert.rejects(folders({'fetch-to': 'all', fetch: ['x']}), {code: 'OUTPUT_TWICE', message: /^what is fetched of \S+a\.ipynb lr=1 and \S+a\.ipynb lr=2 would come to one folder, all$/})
  })

  it('takes the notebooks of folders, but no copies and nothing hidden', async () => {
    assert.deepEqual(await planned(['one'], {recursive: true, out: 'one/done'}), ['one/a.ipynb > one/done/a.ipynb', 'one/b.ipynb > one/done/b.ipynb', 'one/c.out.ipynb > one/done/c.out.ipynb', 'one/deep/d.ipynb > one/done/deep/d.ipynb'])
  })

  it('refuses what two runs would write, what a run reads, and what no notebook takes', async () => {
    await mkdir(join(root, 'empty'))
    const cases: [names: string[], flags: PlanFlags, code: string, message: RegExp][] = [
      [['one/a.ipynb', 'two/a.ipynb'], {out: 'x/'}, 'OUTPUT_TWICE', /one\/a\.ipynb and \S+two\/a\.ipynb would both be written to \S+x\/a\.ipynb$/],
      [['a.ipynb', 'a.ipynb'], {}, 'OUTPUT_TWICE', /would both be written/], [['a.ipynb', 'link.ipynb'], {inplace: true}, 'OUTPUT_TWICE', /a\.ipynb would be written over \S+link\.ipynb/],
      [['a.ipynb'], {grid: ['lr=1,2'], inplace: true}, 'OUTPUT_TWICE', /a\.ipynb lr=1 and \S+a\.ipynb lr=2 would both/], [['a.ipynb'], {grid: ['lr=1,2'], out: 'x.ipynb'}, 'OUTPUT_TWICE', /would both be written/],
      [['a.ipynb'], {grid: ['name="a b",a_b']}, 'OUTPUT_TWICE', /would both be written/],
      [['one/a.ipynb', 'one/a.out.ipynb'], {}, 'OUTPUT_TWICE', /the copy of \S+one\/a\.ipynb would be written over \S+a\.out\.ipynb, which is to be run too/],
      [['a.ipynb'], {html: join(root, 'a.ipynb')}, 'OUTPUT_TWICE', /the report/], [['a.ipynb'], {junit: join(root, 'r'), html: join(root, 'r')}, 'OUTPUT_TWICE', /another report/],
      [['a.ipynb'], {out: '{nmae}.ipynb'}, 'OUTPUT_TEMPLATE', /no "nmae"/], [['a.ipynb'], {out: '{name.ipynb'}, 'OUTPUT_TEMPLATE', /not closed/],
      [['a.ipynb', 'two/a.ipynb'], {grid: ['rl=1,2']}, 'UNKNOWN_PARAMETER', /^\S+a\.ipynb: the notebook has no parameter "rl"/], [['a.ipynb'], {matrix: ['lr=1', 'nam=2']}, 'UNKNOWN_PARAMETER', /nam/],
      [['one'], {}, 'USAGE', /is a folder/], [['empty'], {recursive: true}, 'NOTEBOOK_NOT_FOUND', /no notebook in/], [['none.ipynb'], {}, 'NOTEBOOK_NOT_FOUND', /no such file/],
      [['a.ipynb'], {out: 'a.ipynb/'}, 'CANNOT_WRITE', /folder \S+ cannot be made/],
    ]
    for (const [names, flags, code, message] of cases) await assert.rejects(planned(names, flags), {code, message}, JSON.stringify([names, flags]))
    const elsewhere: [places: string[], flags: PlanFlags, message: RegExp][] = [
      [['-'], {}, /^stdin has one notebook/], [[join(root, 'a.ipynb')], {out: '-'}, /^stdout takes/], [[join(root, 'a.ipynb')], {out: 's3://b/x/', changed: true}, /need notebooks and copies that are files$/],
    ]
    for (const [places, flags, message] of elsewhere) await assert.rejects(planRuns(places, flags, {onWarning: () => {}}), {code: 'USAGE', message})
  })

  it('can be given again, one run at a time', () => {
    const set = {text: '3', list: [1n, 'a'], count: 3n, rate: 1, on: true, none: null}
    assert.deepEqual(setWords(set), ['--parameters-raw=text=3', '--parameters-yaml={"list":[1,"a"]}', '--parameters=count=3', '--parameters=rate=1.0', '--parameters=on=True', '--parameters=none=None'])
    assert.deepEqual(joinPairs(setWords(set)), setWords(set))
    const given = wordsOfRun({set, fetch: ['3.csv']}, {parameters: ['text=1', 'other=2'], 'parameters-raw': ['count=x', 'countless=y']})
    assert.deepEqual(given, {parameters: ['other=2'], 'parameters-raw': ['countless=y'], fetch: ['3.csv'], 'fetch-to': undefined})
    assert.deepEqual(ofEachRun({grid: ['a=1'], junit: 'x', out: 'x', kernel: 'ir', parallel: 2}), {kernel: 'ir'})
  })

  it('is asked for by several notebooks, several runtimes, or a flag of its own', () => {
    const cases: [notebooks: string[], flags: Parameters<typeof isBatch>[1], expected: boolean][] = [
      [['a'], {runtime: 'x'}, false], [['a'], {'skip-done': false}, false], [['a', 'b'], {}, true], [['a'], {runtime: 'x,y'}, true], [['a'], {junit: 'r.xml'}, true], [['a'], {parallel: 1}, true], [['a'], {grid: ['x=1']}, true],
    ]
    for (const [notebooks, flags, expected] of cases) assert.equal(isBatch(notebooks, flags), expected, JSON.stringify(flags))
    assert.deepEqual(joinRuntimes(['a', '--runtime', 'x', 'b', '--runtime=y', '--', '--runtime']), ['--runtime=x,y', 'a', 'b', '--', '--runtime'])
    assert.deepEqual(joinRuntimes(['a', '--runtime', 'x', 'b']), ['a', '--runtime', 'x', 'b'])
  })
})
