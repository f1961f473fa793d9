import assert from 'node:assert/strict'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseNotebook} from '../format/read.ts'
import {notebookText} from '../format/write.ts'
import {removeMarkers} from '../run/markers.ts'
import {isDone, runKey, stamp} from './done.ts'

const notebookOf = (source: string, tags: string[] = []) =>
  parseNotebook(JSON.stringify({cells: [{cell_type: 'markdown', metadata: {}, source: 'text'}, {cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: 3}], metadata: {cgpu: {other: 1}}, nbformat: 4, nbformat_minor: 4}), 'x')
const flags = {'skip-tag': 'skip-execution'}
const keyOf = (source: string, more: Parameters<typeof runKey>[1] = flags, tags: string[] = []): string => runKey({notebook: notebookOf(source, tags), selected: undefined}, more)

describe('what a batch takes for done', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-done-'))
  })
  after(() => rm(folder, {recursive: true, force: true}))

  it('is of the same code, run in the same way', () => {
    const key = keyOf('a = 1')
    const text = notebookOf('a = 1')
    const [cell] = text.cells
    if (cell) cell.source = 'other text'
    assert.equal(runKey({notebook: text, selected: undefined}, flags), key)
    const others = [keyOf('a = 2'), keyOf('a = 1', {...flags, kernel: 'ir'}), keyOf('a = 1', {...flags, 'allow-errors': true}), keyOf('a = 1', {...flags, cwd: 'x'}), keyOf('a = 1', flags, ['skip-execution']), runKey({notebook: text, selected: new Set()}, flags)]
    assert.equal(new Set([key, ...others]).size, others.length + 1)
  })

  it('is a copy that ended well, and nothing else', async () => {
    const path = join(folder, 'copy.ipynb')
    const notebook = notebookOf('a = 1')
    const written = async (status: string): Promise<boolean> => {
      stamp(notebook, 'key', status)
      await writeFile(path, notebookText(notebook))
      return isDone(path, 'key')
    }
    assert.deepEqual([await written('running'), await written('error'), await written('exited'), await written('ok'), await isDone(path, 'other')], [false, false, true, true, false])
    assert.deepEqual(notebook.metadata['cgpu'], {other: 1, batch: {key: 'key', status: 'ok'}})
    // what is run again by itself is no batch's any more
    removeMarkers(notebook)
    assert.deepEqual(notebook.metadata['cgpu'], {other: 1})
    await writeFile(path, '{"cells": [')
    assert.deepEqual([await isDone(path, 'key'), await isDone(join(folder, 'none'), 'key')], [false, false])
  })
})
