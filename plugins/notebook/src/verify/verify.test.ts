import assert from 'node:assert/strict'
import jpeg from 'jpeg-js'
import {PNG} from 'pngjs'
import type {CodeCell, MimeBundle, Notebook, Output} from '../format/model.ts'
import {parseNotebook} from '../format/read.ts'
import {compareOutputs} from './compare-outputs.ts'
import {imageDistance} from './images.ts'
import {comparisonsOf, judge} from './judge.ts'
import {builtinMasks, masked} from './masks.ts'
import {sameText} from './numbers.ts'
import {problemText} from './report.ts'
import {type CompareFlags, comparisonOf} from './settings.ts'
import {updated} from './update.ts'

const flags: CompareFlags = {tolerance: '0', 'absolute-tolerance': '0', 'image-tolerance': '0.001', 'builtin-masks': true}
const common = comparisonOf(flags)
const stream = (text: string, name = 'stdout'): Output => ({output_type: 'stream', name, text})
const display = (data: MimeBundle): Output => ({output_type: 'display_data', data, metadata: {}})
const code = (id: string, more: Partial<CodeCell> = {}): CodeCell => ({cell_type: 'code', id, source: 'x', metadata: {}, outputs: [], execution_count: null, ...more})
const notebook = (...cells: CodeCell[]): Notebook => ({cells, metadata: {}, nbformat: 4, nbformat_minor: 5})

/** A picture of 100 x 100, white, with so many black pixels. */
function picture(black: number, {format = 'png', width = 100} = {}): string {
  const png = new PNG({width, height: 100})
  png.data.fill(255)
  for (let at = 0; at < black; at++) png.data.fill(0, at * 4, at * 4 + 3)
  return (format === 'png' ? PNG.sync.write(png) : jpeg.encode({data: png.data, width, height: 100}, 90).data).toString('base64')
}

describe('comparing outputs', () => {
  const masks: [text: string, masked: string][] = [
    ['<Model object at 0x7f3a2c1d>', '<Model object at <address>>'],
    ['id 123e4567-e89b-12d3-a456-426614174000', 'id <uuid>'],
    ['<td id="T_8c1f2_row0">, <path id="m0123456789"/>, <use href="#m0123456789"/>, #ff00ff', '<td id="<id>_row0">, <path id="<id>"/>, <use href="#<id>"/>, #ff00ff'],
    ['saved /tmp/tmpab12/x.txt, see /var/folders/a/b', 'saved <temp-path>, see <temp-path>'],
    ['2026-11-29T08:33:33.123Z and 2026-11-29, 08:33:33', '<date> and <date>, <time>'],
    ['Sun Nov 29 08:33:33 UTC 2026', '<date>'],
    ['took 1.5 s, 12ms, 3 minutes', 'took <duration>, <duration>, <duration>'],
    ['\r 10%|#  | 1/10 [00:00<00:09, 1.2it/s]\r100%|###| 10/10 [00:09<00:00, 1.1it/s]', '100%|###| 10/10 <progress>'],
    ['\u001B[31mred\u001B[0m', 'red'],
    ['loss 0.5 at step 3, x1 = 2, 3 models, 5 mm', 'loss 0.5 at step 3, x1 = 2, 3 models, 5 mm'],
  ]
  for (const [text, expected] of masks) it(`masks ${JSON.stringify(text)}`, () => assert.equal(masked(text, builtinMasks), expected))

  const numbers: [actual: string, committed: string, relative: number, absolute: number, same: boolean][] = [
    ['loss 0.1000001', 'loss 0.1', 1e-5, 0, true], ['loss 0.11', 'loss 0.1', 1e-5, 0, false], ['loss 0.11', 'loss 0.1', 0, 0.02, true], ['a 1 b 2', 'a 1 c 2', 1, 1, false],
    ['[-1.0  10.5]', '[ 1.0  10.5]', 0, 3, true], ['1e-3 nan', '0.001 nan', 1e-9, 0, true], ['layer1: 5', 'layer2: 5', 1, 1, false], ['1 2', '1', 1, 1, false], ['0.5', '.5', 1e-9, 0, true], ['1.0', '1.00', 0, 0, false],
  ]
  for (const [actual, committed, relative, absolute, same] of numbers) {
    it(`${committed} ${same ? 'may be' : 'may not be'} ${actual} within ${relative} and ${absolute}`, () => assert.equal(sameText(actual, committed, {relative, absolute}), same))
  }

  it('measures how much of an image looks different', () => {
    for (const format of ['png', 'jpeg'] as const) {
      const mime = `image/${format}` as const
      assert.equal(imageDistance(mime, picture(0, {format}), picture(0, {format})), 0)
      const far = imageDistance(mime, picture(5000, {format}), picture(0, {format}))
      assert.ok(typeof far === 'number' && far > 0.45 && far < 0.55, String(far))
    }
    assert.match(String(imageDistance('image/png', picture(0, {width: 90}), picture(0))), /90x100/)
    assert.match(String(imageDistance('image/png', Buffer.from('no image, but long enough').toString('base64'), picture(0))), /the new image cannot be decoded/)
    const huge = Buffer.from(picture(0), 'base64')
    huge.writeUInt32BE(0x7FFFFFFF, 16)
    assert.match(String(imageDistance('image/png', huge.toString('base64'), picture(0))), /cannot be decoded/)
  })

  const all: [name: string, committed: Output[], actual: Output[], found: string[]][] = [
    ['streams wherever they are cut', [stream('a\n'), display({'text/plain': '1'}), stream('b\n')], [stream('a\nb\n'), display({'text/plain': '1'})], []],
    ['streams that differ', [stream('a\n'), stream('w\n', 'stderr')], [stream('b\n')], ['stderr is missing', 'stdout differs']],
    ['displays by place and type', [display({'text/plain': '1', 'text/html': 'x'})], [display({'text/plain': '2'}), display({'text/plain': '3'})], ['output 1 text/html is missing', 'output 1 text/plain differs', 'output 2 text/plain is new']],
    ['JSON as values', [display({'application/json': {a: [1, 2], b: 'x'}})], [display({'application/json': {b: 'x', a: [1, 2]}})], []],
    ['JSON that differs', [display({'application/json': {a: 1}})], [display({'application/json': {a: 2}})], ['output 1 application/json differs']],
    ['errors without their traceback', [{output_type: 'error', ename: 'E', evalue: 'at 0xabcdef', traceback: ['a']}], [{output_type: 'error', ename: 'E', evalue: 'at 0xfedcba', traceback: ['b']}], []],
    ['widgets of another model', [display({'application/vnd.jupyter.widget-view+json': {model_id: 'a'}})], [display({'application/vnd.jupyter.widget-view+json': {model_id: 'b'}})], []],
    ['images within the tolerance', [display({'image/png': picture(5)})], [display({'image/png': `${picture(0)}\n`})], []],
    ['images that differ', [display({'image/png': picture(5000)})], [display({'image/png': picture(0)})], ['output 1 image/png: 50 % of the pixels look different, and 0.1 % may']],
  ]
  for (const [name, committed, actual, found] of all) {
    it(`compares ${name}`, async () => {
      assert.deepEqual((await compareOutputs(committed, actual, common)).map(({message}) => message), found)
      assert.deepEqual(await compareOutputs(committed, committed, common), [])
    })
  }

  it('leaves out what is to be ignored', async () => {
    const comparison = comparisonOf({...flags, 'ignore-output': ['stderr', 'image/*'], mask: ['loss=\\S+']})
    assert.deepEqual(await compareOutputs([stream('w', 'stderr'), stream('loss=1')], [display({'image/png': 'x'}), stream('loss=2')], comparison), [])
  })

  it('refuses flags that it cannot follow', () => {
    assert.throws(() => comparisonOf({...flags, tolerance: '-1'}), {code: 'INVALID_TOLERANCE', exit: 64})
    assert.throws(() => comparisonOf({...flags, mask: ['(']}), {code: 'INVALID_MASK', exit: 64})
    assert.throws(() => comparisonOf({...flags, budget: 'soon'}), {code: 'INVALID_DURATION', exit: 64})
  })
})

describe('judging a run', () => {
  it('gives every cell a verdict by its tags and settings', async () => {
    const test = (more: object) => ({cgpu: {test: more}})
    const committed = notebook(
      code('same', {outputs: [stream('1')]}), code('skipped', {outputs: [stream('1')], metadata: {tags: ['skip-compare']}}), code('partly', {outputs: [stream('1', 'stderr')], metadata: {tags: ['skip-compare:stderr', 'budget:10s']}}),
      code('near', {outputs: [stream('1.0')], metadata: test({tolerance: 0.2})}), code('slow', {metadata: test({budget: '1s'})}), code('blank', {source: ' '}), code('fails', {outputs: [stream('1')]}), code('after', {outputs: [stream('1')]}), code('last'),
    )
    const notebookAfter = structuredClone(committed)
    for (const cell of notebookAfter.cells as CodeCell[]) if (cell.outputs.length > 0) cell.outputs = [stream('1.1')] // all of them are code
    const result = (index: number, more: object = {}) => ({index, id: '', status: 'ok' as const, executionCount: 1, durationSeconds: 2, ...more})
    const error = {name: 'ValueError', message: 'no', traceback: ['::error::no', 'line']}
    const cells = [...[0, 1, 2, 3, 4].map((index) => result(index)), result(6, {status: 'error', error})]
    const verdicts = await judge(committed, {notebook: notebookAfter, cells, endedBy: 6, exited: false}, comparisonsOf(committed, common))
    assert.deepEqual(verdicts.map(({id, status, message}) => [id, status, message]), [
      ['same', 'failed', 'stdout differs'], ['skipped', 'skipped', 'it is not to be compared'], ['partly', 'failed', 'stdout is new'], ['near', 'passed', undefined], ['slow', 'failed', 'it took 2.00 s, and 1 s is its budget'],
      ['fails', 'error', 'ValueError: no'], ['after', 'failed', 'it was not run: cell 7 ended the notebook'], ['last', 'skipped', 'it was not run: cell 7 ended the notebook'],
    ])
    const text = [...problemText({notebook: 'x.ipynb', status: 'error', durationSeconds: 1, cells: verdicts.map((one) => ({...one, line: one.cell}))}, false)].join('')
    assert.match(text, /^x\.ipynb:1: cell 1: stdout differs\n@@ stdout @@\n-1\n\+1\.1\n/)
    assert.match(text, /\nx\.ipynb:7: cell 7: ValueError: no\n\\::error::no\nline\n/)
  })

  it('takes a failure for one unless it is expected', async () => {
    const failed: Output = {output_type: 'error', ename: 'E', evalue: '', traceback: []}
    const committed = notebook(code('new'), code('known', {outputs: [failed]}), code('tagged', {metadata: {tags: ['raises-exception']}}), code('late', {outputs: [failed]}), code('left'))
    const after = notebook(...(structuredClone(committed.cells) as CodeCell[]).map((cell) => ({...cell, outputs: [failed]}))) // all of them are code
    const result = (index: number, status: 'error' | 'interrupted') => ({index, id: '', status, executionCount: 1, durationSeconds: 0, error: {name: 'E', message: '', traceback: []}})
    const cells = [result(0, 'error'), result(1, 'error'), result(2, 'error'), result(3, 'interrupted'), result(4, 'error')]
    const statuses = async (exited: boolean) => (await judge(committed, {notebook: after, cells, endedBy: 4, exited}, comparisonsOf(committed, common))).map(({status}) => status)
    assert.deepEqual([await statuses(false), (await statuses(true))[4]], [['error', 'passed', 'failed', 'error', 'error'], 'failed'])
  })

  it('refuses settings of a cell that it cannot follow, naming the cell', () => {
    for (const metadata of [{tags: ['budget:soon']}, {cgpu: {test: {tolerence: 1}}}, {cgpu: {test: {mask: ['(']}}}]) {
      assert.throws(() => comparisonsOf(notebook(code('a'), code('b', {metadata})), common), {code: 'INVALID_TEST_SETTINGS', exit: 65, message: /cell 2/})
    }
  })

  it('writes new outputs into the text and leaves the rest of it alone', () => {
    const text = `{
  "nbformat": 4, "nbformat_minor": 5, "metadata": {"x": 1.0},
  "cells": [
    {"cell_type": "code", "id": "a", "source": "x", "metadata": {}, "outputs": [], "execution_count": null},
    {
      "cell_type": "code", "id": "b", "source": ["x"], "metadata": {},
      "outputs": [],
      "execution_count": 7
    }
  ]
}`
    const ran = notebook(code('a', {outputs: [stream('1\n2')], execution_count: 1}), code('b', {outputs: [stream('3')], execution_count: 2}))
    const after = updated({text, notebook: parseNotebook(text, 'x')}, ran, new Set([0, 1]))
    assert.equal(after, text
      .replace('"outputs": [], "execution_count": null', '"outputs": [{"name":"stdout","output_type":"stream","text":["1\\n","2"]}], "execution_count": 1')
      .replace('"outputs": [],\n      "execution_count": 7', '"outputs": [\n        {\n          "name": "stdout",\n          "output_type": "stream",\n          "text": [\n            "3"\n          ]\n        }\n      ],\n      "execution_count": 2'))
    const uncounted = text.replace('"execution_count": 7', '"execution_count": null').replace('"outputs": [],\n', '"outputs": [{"output_type": "stream", "name": "stdout", "text": "2"}],\n')
    assert.ok(!/"execution_count": \d/.test(updated({text: uncounted, notebook: parseNotebook(uncounted, 'x')}, ran, new Set([1]))))
  })
})
