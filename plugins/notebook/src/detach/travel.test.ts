// What goes along with a detached run, and where its copy and its files are put.
import assert from 'node:assert/strict'
import {chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Notebook} from '../format/model.ts'
import {notebookText} from '../format/write.ts'
import {carriedFiles} from './carried.ts'
import {destinationOf} from './destination.ts'
import {putFetched} from './fetched.ts'

const notebook: Notebook = {cells: [{cell_type: 'markdown', id: 'a', source: 'one', metadata: {}}], metadata: {}, nbformat: 4, nbformat_minor: 5}
const noPlugin = {config: {runHook: () => assert.fail('no plugin is asked')}, warn: () => undefined}

describe('a detached run', () => {
  let folder: string
  const at = (...parts: string[]): string => join(folder, ...parts)
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-detached-'))
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))
  const came = async (text: string): Promise<string> => {
    await mkdir(at('came'), {recursive: true})
    await writeFile(at('came/x.ipynb'), text)
    return at('came/x.ipynb')
  }

  it('takes along what --include names, as it lies beside the notebook', async () => {
    await mkdir(at('nb/data/deep'), {recursive: true})
    for (const name of ['nb/a.csv', 'nb/data/b', 'nb/data/deep/c', 'outside']) await writeFile(at(name), name)
    await chmod(at('nb/data/b'), 0o755)
    await symlink(at('nb/data'), at('nb/data/around'))
    await symlink(at('outside'), at('nb/data/linked'))
    const files = await carriedFiles([at('nb/a.csv'), at('nb/data'), at('nb/data/deep')], at('nb/x.ipynb'))
    const shown = files.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(({path, executable, content}) => [path, executable, content.toString()])
    assert.deepEqual(shown, [['a.csv', false, 'nb/a.csv'], ['data/b', true, 'nb/data/b'], ['data/deep/c', false, 'nb/data/deep/c'], ['data/linked', false, 'outside']])
    await assert.rejects(carriedFiles([at('outside')], at('nb/x.ipynb')), {code: 'INCLUDE_OUTSIDE', exit: 64})
    await assert.rejects(carriedFiles([at('nb/none')], at('nb/x.ipynb')), {code: 'FILE_NOT_FOUND', exit: 66})
  })

  it('puts what --fetch named beside its copy, and says where nothing came', async () => {
    const [outputs, copy] = [at('outputs'), 'cgpu-notebooks/x-0.ipynb']
    await mkdir(at('outputs/cgpu-notebooks'), {recursive: true})
    await mkdir(at('outputs/made/deep'), {recursive: true})
    for (const name of [copy, 'made/deep/out', 'log']) await writeFile(at('outputs', name), name)
    const warnings: string[] = []
    const put = (patterns: string[], from = outputs) => putFetched({outputs: from, copy}, at('here/x.out.ipynb'), {patterns, onWarning: (message) => warnings.push(message)})
    assert.deepEqual([await put([]), await put(['made/**', 'log'])], [[], [at('here/log'), at('here/made/deep/out')]])
    assert.equal(await readFile(at('here/made/deep/out'), 'utf8'), 'made/deep/out')
    assert.deepEqual([await put(['none'], at('nowhere')), warnings], [[], ['--fetch none: nothing that the run wrote matches']])
    await rm(at('here/made'), {recursive: true})
    await symlink(folder, at('here/made'))
    await assert.rejects(put(['made/**']), {code: 'CANNOT_WRITE', exit: 73})
  })

  it('puts its copy into a file, whole and with its mode, and not into a folder', async () => {
    await writeFile(at('copy.ipynb'), 'old', {mode: 0o600})
    const destination = await destinationOf(at('copy.ipynb'), noPlugin)
    assert.deepEqual(await destination.put(await came(notebookText(notebook))), notebook)
    await assert.rejects(destination.put(await came('{"cells": [')), {code: 'NOTEBOOK_NOT_JSON', exit: 65})
    assert.equal(await readFile(at('copy.ipynb'), 'utf8'), notebookText(notebook))
    assert.equal((await stat(at('copy.ipynb'))).mode & 0o777, 0o600)
    assert.deepEqual(await readdir(folder), ['came', 'copy.ipynb'])
    await assert.rejects((await destinationOf(folder, noPlugin)).put(await came(notebookText(notebook))), {code: 'CANNOT_WRITE', exit: 73})
    assert.equal((await destinationOf('-', noPlugin)).everyMs, undefined)
  })

  it('puts its copy to an address of a plugin\'s scheme, the newer in place of the older', async () => {
    const written: [address: string, text: Promise<string>, replaces: unknown][] = []
    const lake = {scheme: 'lake', resolve: () => ({ways: []}), look: async () => 'v0', write: async (address: string, data: Blob, {replaces}: {replaces: unknown}) => `v${written.push([address, data.text(), replaces])}`}
    const host = {config: {runHook: async () => ({successes: [{plugin: {name: 'cgpu-lake', pjson: {cgpu: {contract: 1}}, root: '/'}, result: lake}], failures: []})}, warn: () => undefined} as never // what a command has of it
    const destination = await destinationOf('lake://copy.ipynb', host)
    assert.deepEqual(await destination.put(await came(notebookText(notebook))), notebook)
    await destination.put(await came(notebookText({...notebook, cells: []})))
    assert.deepEqual(written.map(([address, , replaces]) => [address, replaces]), [['lake://copy.ipynb', 'v0'], ['lake://copy.ipynb', 'v1']])
    assert.match(await written[0]?.[1] ?? '', /"one"/)
  })
})
