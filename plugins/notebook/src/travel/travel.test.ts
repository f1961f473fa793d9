import assert from 'node:assert/strict'
import {mkdir, mkdtemp, readdir, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {callBy, type CallCgpu} from '@cgpu/plugin-sdk'
import {runWords} from '../schedule/command-line.ts'
import {planTravel} from './travel.ts'

describe('files that travel with a notebook', () => {
  let folder: string
  const asked: string[][] = []
  let found: {path: string}[] = []
  const answer: CallCgpu = async (args) => {
    asked.push([...args])
    return {envelope: {schema: 1, ok: true, command: '', data: args[0] === 'fs' ? found : {}, warnings: []}, exitStatus: 0}
  }
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-travel-'))
    await mkdir(join(folder, 'nb/data/deep'), {recursive: true})
    for (const name of ['nb/a.csv', 'nb/data/b.csv', 'nb/data/deep/c.csv', 'outside']) await writeFile(join(folder, name), '')
    callBy(answer)
  })
  after(async () => {
    Object.assign(globalThis, {[Symbol.for('cgpu.call')]: undefined})
    await rm(folder, {recursive: true, force: true})
  })
  beforeEach(() => void (asked.length = 0))
  const plan = (flags: {cwd?: string; include?: string[]; fetch?: string[]}, output = 'nb/x.out.ipynb') =>
    planTravel({notebook: join(folder, 'nb/x.ipynb'), output: join(folder, output), flags: {...flags, ...(flags.include ? {include: flags.include.map((one) => join(folder, one))} : {})}, onWarning: (message) => assert.fail(message)})

  it('are sent to where they lie beside it, those of one folder together', async () => {
    assert.equal(await plan({}), undefined)
    const travel = await plan({cwd: 'jobs/', include: ['nb/a.csv', 'nb/data/b.csv', 'nb/data/deep']})
    await travel?.send('lab', new AbortController().signal)
    const at = (name: string): string => join(folder, 'nb', name)
    assert.deepEqual(asked, [['cp', '--quiet', at('a.csv'), 'lab:jobs/', '--json'], ['cp', '--quiet', at('data/b.csv'), at('data/deep'), 'lab:jobs/data/', '--json']])
    asked.length = 0
    await (await plan({include: ['nb/a.csv']}))?.send('lab', new AbortController().signal)
    assert.deepEqual(asked, [['cp', '--quiet', at('a.csv'), 'lab:', '--json']])
  })

  it('are found before a machine is asked for, and do not leave their folder', async () => {
    for (const include of ['outside', 'nb', '.', '..']) await assert.rejects(plan({include: [include]}), {code: 'INCLUDE_OUTSIDE', exit: 64}, include)
    await assert.rejects(plan({include: ['nb/none']}), {code: 'FILE_NOT_FOUND', exit: 66})
    for (const pattern of ['../x', '/etc/passwd', '~/x', 'a/../../x', '']) await assert.rejects(plan({fetch: [pattern]}), {code: 'FETCH_OUTSIDE', exit: 64}, pattern)
  })

  it('come back to the same places beside its copy, and to no other', async () => {
    const travel = await plan({cwd: 'jobs', fetch: ['out/**']})
    found = [{path: 'jobs/out/a'}, {path: 'jobs/out/deep/b'}, {path: 'jobs/out/c'}]
    const at = (name: string): string => join(folder, 'nb', name)
    assert.deepEqual(await travel?.fetch('lab'), [at('out/a'), at('out/c'), at('out/deep/b')])
    assert.deepEqual(asked, [
      ['fs', 'stat', '--quiet', 'lab:jobs/out/**', '--json'], ['cp', '--quiet', 'lab:jobs/out/a', 'lab:jobs/out/c', `${at('out')}/`, '--json'], ['cp', '--quiet', 'lab:jobs/out/deep/b', `${at('out/deep')}/`, '--json'],
    ])
    for (const path of ['jobs/../x', '/etc/passwd', 'jobs/', 'jobs//etc', 'other/a']) {
      found = [{path}]
      await assert.rejects(async () => travel?.fetch('lab'), {code: 'UNSAFE_NAME', exit: 65}, path)
    }
    await symlink(folder, at('away'))
    found = [{path: 'jobs/away/x'}]
    await assert.rejects(async () => travel?.fetch('lab'), {code: 'CANNOT_WRITE', exit: 73})
    assert.deepEqual((await readdir(at('out'))).sort(), ['deep'])
  })

  it('and what a schedule runs are named by absolute paths', () => {
    const here = process.cwd()
    const words = runWords(['a.ipynb', 's3://b/k.ipynb'], {out: 'done/', include: ['x', '/y'], fetch: ['out/*'], cwd: 'jobs', 'parameters-file': ['p.yaml'], parameters: ['a=1'], inplace: true, timing: false, matrix: ['m.csv', 'a=1,2'], parallel: 2, kernel: undefined})
    assert.deepEqual(words, [
      'notebook', 'run', `${here}/a.ipynb`, 's3://b/k.ipynb', `--out=${here}/done/`, `--include=${here}/x`, '--include=/y', '--fetch=out/*', '--cwd=jobs', `--parameters-file=${here}/p.yaml`, '--parameters=a=1', '--inplace', '--no-timing',
      `--matrix=${here}/m.csv`, '--matrix=a=1,2', '--parallel=2',
    ])
  })
})
