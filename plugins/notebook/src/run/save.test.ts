import assert from 'node:assert/strict'
import {mkdir, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import type {Notebook} from '../format/model.ts'
import {notebookText} from '../format/write.ts'
import {Saver} from './save.ts'

async function waitFor(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}

describe('saving the executed copy', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-save-'))
  })
  after(() => rm(folder, {recursive: true, force: true}))
  const empty = (): Notebook => ({cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5})

  it('ends with the last state, however often it changed, and leaves nothing else', async () => {
    const [notebook, path] = [empty(), join(folder, 'many.ipynb')]
    const saver = await Saver.open(path, notebook)
    for (let count = 0; count < 50; count++) {
      notebook.metadata['count'] = count
      saver.changed(count % 2 ? 'cell' : 'output')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await saver.finish()
    assert.equal(await readFile(path, 'utf8'), notebookText(notebook))
    assert.deepEqual(await readdir(folder), ['many.ipynb'])
  })

  it('writes nothing where nothing changed', async () => {
    const saver = await Saver.open(join(folder, 'never.ipynb'), empty())
    await saver.finish()
    assert.ok(!(await readdir(folder)).includes('never.ipynb'))
  })

  it('refuses a folder, and a place that does not exist', async () => {
    await mkdir(join(folder, 'dir'))
    for (const path of [join(folder, 'dir'), join(folder, 'nowhere', 'x.ipynb')]) await assert.rejects(Saver.open(path, empty()), {code: 'CANNOT_WRITE', exit: 73})
  })

  it('says at the end when the place has gone meanwhile', async () => {
    const home = join(folder, 'gone')
    await mkdir(home)
    const saver = await Saver.open(join(home, 'x.ipynb'), empty())
    await rm(home, {recursive: true})
    await writeFile(home, 'in the way')
    saver.changed('cell')
    const error = await saver.finish().then(() => assert.fail('it was written'), (thrown: {code: string; exit: number; fix: string}) => thrown)
    assert.deepEqual([error.code, error.exit], ['CANNOT_WRITE', 73])
    const kept = /^take the executed copy from (.+)$/.exec(error.fix)?.[1] ?? ''
    assert.equal(await readFile(kept, 'utf8'), notebookText(empty()))
    await rm(dirname(kept), {recursive: true})
  })

  it('leaves a notebook alone that somebody saved while it ran, and writes beside it', async () => {
    const path = join(folder, 'own.ipynb')
    await writeFile(path, 'before')
    const notebook = empty()
    const saver = await Saver.open(path, notebook, {original: true})
    saver.changed('cell')
    await waitFor(async () => (await readFile(path, 'utf8')) === notebookText(notebook))
    await writeFile(path, 'theirs')
    notebook.metadata['n'] = 1
    saver.changed('cell')
    await assert.rejects(saver.finish(), {code: 'NOTEBOOK_CHANGED', exit: 72, fix: `take the outputs from the executed copy: ${join(folder, 'own.out.ipynb')}`})
    assert.deepEqual([await readFile(path, 'utf8'), await readFile(join(folder, 'own.out.ipynb'), 'utf8')], ['theirs', notebookText(notebook)])
  })
})
