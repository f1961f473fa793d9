import assert from 'node:assert/strict'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {githubAnnotation} from '../annotations.ts'
import {parseNotebook} from '../format/read.ts'
import {chosenRules, lint, type Linted} from './lint.ts'
import {rules} from './rules.ts'

const code = (source: string, more: object = {}) => ({cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null, ...more})
const printed = (text: string) => ({outputs: [{output_type: 'stream', name: 'stdout', text}]})
const kernelspec = {kernelspec: {name: 'python3', display_name: 'Python 3'}}
const notebook = (cells: object[], metadata: object = kernelspec): string => JSON.stringify({cells: cells.map((cell, at) => ({id: `c${at}`, ...cell})), metadata, nbformat: 4, nbformat_minor: 5}, null, 1)

describe('linting notebooks', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-lint-'))
  })
  after(() => rm(folder, {recursive: true}))
  const linted = async (text: string, {fix = false, rule = [] as string[]} = {}): Promise<Linted & {after: string}> => {
    const path = join(folder, 'x.ipynb')
    await writeFile(path, text)
    return {...(await lint(path, {chosen: chosenRules(rule, []), fix, maxOutputBytes: 1000})), after: await readFile(path, 'utf8')}
  }

  // a token in pieces, so that nobody's scanner takes this file for a leak
  const token = `ghp_${'a1B2'.repeat(9)}`
  const cases: [rule: string, text: string, found: [cell: number | null, message: string][]][] = [
    ['execution-order', notebook([code('a', {execution_count: 2}), code('b', {execution_count: 3}), code('c', {execution_count: 1})]), [[1, 'its execution count is 2, after 0'], [3, 'its execution count is 1, after 3']]],
    ['not-executed', notebook([code('a', {execution_count: 1}), code('b'), code('', {}), code('c', {metadata: {tags: ['skip-execution']}})]), [[2, 'it was not executed, and others were']]],
    ['not-executed', notebook([code('a'), code('b')]), []],
    ['empty-cell', notebook([code(' \n'), {cell_type: 'markdown', metadata: {}, source: ''}]), [[1, 'it is an empty code cell'], [2, 'it is an empty markdown cell']]],
    ['duplicate-id', notebook([code('a'), code('b', {id: 'c0'})]), [[2, 'it has the id of cell 1, c0']]],
    ['missing-kernelspec', notebook([code('a')], {}), [[null, 'it does not say which kernel it needs (metadata.kernelspec.name)']]],
    ['parameters-cell', notebook([code('a = 1\nb = None\nc: int = None', {metadata: {tags: ['parameters']}}), code('a = 2', {metadata: {tags: ['parameters']}}), {cell_type: 'raw', metadata: {tags: ['parameters']}, source: 'x'}]),
      [[1, 'the parameter b has no type'], [2, 'it is tagged parameters, as cell 1 is'], [3, 'it is tagged parameters, and is no code']]],
    ['huge-output', notebook([code('a', printed('x'.repeat(2000))), code('b', printed('x'))]), [[1, 'its outputs take 2.0 KiB']]],
    ['secret', notebook([code(`login("${token}")`), code('a', printed(`${token}\nsqlite://me:sesame@host/db`))]), [[1, 'its source holds a GitHub token'], [2, 'its output holds a GitHub token'], [2, 'its output holds a password in an address']]],
    ['home-path', notebook([code('open("/home/me/data.csv")'), code('a', printed('C:\\Users\\me\\x')), code('open("/content/data.csv")')]), [[1, 'its source names a path in a home folder'], [2, 'its output names a path in a home folder']]],
    ['error-output', notebook([code('1/0', {outputs: [{output_type: 'error', ename: 'ZeroDivisionError', evalue: '', traceback: []}]}), code('1/0', {metadata: {tags: ['raises-exception']}, outputs: [{output_type: 'error', ename: 'X', evalue: '', traceback: []}]})]), [[1, 'it ended with ZeroDivisionError']]],
  ]
  for (const [rule, text, found] of cases) {
    it(`${rule} finds ${found.length}`, async () => {
      const {findings} = await linted(text, {rule: [rule]})
      assert.deepEqual(findings.map(({cell, message}) => [cell, message]), found)
      assert.ok(findings.every((one) => one.rule === rule && (one.cell === null ? one.line === 1 : text.split('\n')[one.line - 1] === '  {')))
      assert.ok(!JSON.stringify(findings).includes(token))
    })
  }

  it('has a case for every rule', () => assert.deepEqual([...new Set(cases.map(([rule]) => rule))].sort(), rules.map(({id}) => id).sort()))

  it('mends what can be mended, and nothing else', async () => {
    const text = notebook([code('a'), code(''), code('b', {id: 'c0'}), code(' ', {id: 'c0'})])
    const {findings, fixed, after} = await linted(text, {fix: true})
    assert.deepEqual([findings, fixed], [[], 4])
    const {cells} = parseNotebook(after, 'x')
    assert.deepEqual(cells.map(({source}) => source), ['a', 'b'])
    assert.equal(after.replace(cells[1]?.id ?? '', 'c0'), JSON.stringify({...JSON.parse(text) as object, cells: [{id: 'c0', ...code('a')}, {...code('b'), id: 'c0'}].map(({id, ...cell}) => ({id, ...cell}))}, null, 1))
  })

  it('tells a file that is no notebook, and refuses a rule that does not exist', async () => {
    assert.deepEqual((await linted('{"cells": [')).findings.map(({rule, cell}) => [rule, cell]), [['invalid', null]])
    assert.throws(() => chosenRules([], ['nope']), {code: 'UNKNOWN_RULE', exit: 64})
  })

  it('writes annotations that hold one line each', () => {
    assert.equal(githubAnnotation({level: 'error', file: 'a,b:c.ipynb', line: 3, title: 'x', message: '100 %\n::set-env' }), '::error file=a%2Cb%3Ac.ipynb,line=3,title=x::100 %25%0A::set-env\n')
  })
})
