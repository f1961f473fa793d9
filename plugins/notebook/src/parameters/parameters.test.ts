import assert from 'node:assert/strict'
import type {Notebook} from '../format/model.ts'
import {parseNotebook} from '../format/read.ts'
import {injectParameters} from './inject.ts'
import {inspect} from './inspect.ts'
import {translatorFor} from './languages.ts'
import {pythonLiteral} from './languages/python.ts'
import {r, rLiteral} from './languages/r.ts'
import {parameterSource} from './translate.ts'
import type {Value} from './value.ts'
import {inferred, joinPairs, readParameters} from './values.ts'

const none = {typed: [], raw: [], files: [], yaml: [], base64: []}
const code = (error: {code: string}): string => error.code

function notebookOf(cells: {source: string; tags?: string[]}[], kernel = 'python3'): Notebook {
  const made = cells.map(({source, tags = []}, index) => ({cell_type: 'code', id: `c${index}`, source, metadata: {tags}, outputs: [], execution_count: null}))
  return parseNotebook(JSON.stringify({cells: made, metadata: {kernelspec: {name: kernel, display_name: kernel}}, nbformat: 4, nbformat_minor: 5}), 'x')
}

describe('parameters', () => {
  it('are typed as Python would read them', () => {
    const cases: [text: string, value: Value][] = [
      ['3', 3n], ['-7', -7n], ['1_000', 1000n], [' 7 ', 7n], ['12345678901234567890', 12345678901234567890n], ['1.5', 1.5], ['1e3', 1000], ['.5', 0.5], ['5.', 5],
      ['nan', Number.NaN], ['-inf', -Infinity], ['True', true], ['False', false], ['None', null], ['true', 'true'], ['0x10', '0x10'], ['1__0', '1__0'], ['', ''], ['2019-01-01', '2019-01-01'],
    ]
    for (const [text, value] of cases) assert.deepEqual(inferred(text), value, text)
  })

  it('are written in Python and R', () => {
    const cases: [value: Value, python: string, r: string][] = [
      [null, 'None', 'NULL'], [true, 'True', 'TRUE'], [12n, '12', '12'], [1000, '1000.0', '1000.0'], [1e16, '1e+16', '1e+16'], [0.00001, '1e-05', '1e-05'], [0.1, '0.1', '0.1'], [1.5e-7, '1.5e-07', '1.5e-07'],
      [Number.NaN, "float('nan')", 'NaN'], [Infinity, "float('inf')", 'Inf'], ['a"b\\c\n', '"a\\"b\\\\c\\n"', '"a\\"b\\\\c\\n"'], ['é€😀', '"\\xe9\\u20ac\\U0001f600"', '"\\u00e9\\u20ac\\U0001f600"'],
      [[1n, 'x'], '[1, "x"]', 'list(1, "x")'], [{k: {n: null}}, '{"k": {"n": None}}', 'list("k" = list("n" = NULL))'],
    ]
    for (const [value, python, r] of cases) assert.deepEqual([pythonLiteral(value), rLiteral(value)], [python, r])
  })

  it('take two words, or one', () => {
    assert.deepEqual(joinPairs(['nb', '-p', 'a', '-1', '-r', 'b', '2', '-p', 'c=d=e', '--', '-p']), ['nb', '--parameters=a=-1', '--parameters-raw=b=2', '--parameters=c=d=e', '--', '-p'])
    assert.throws(() => joinPairs(['-p', 'a']), (error: {code: string; message: string}) => error.code === 'USAGE' && /needs a name and a value/.test(error.message))
  })

  it('come in papermill\'s order: base64, files, YAML, typed, raw', async () => {
    const base64 = Buffer.from('{a: 1, b: 1, c: 1, d: 1.0, when: 2019-01-01}').toString('base64')
    const given = await readParameters({...none, base64: [base64], yaml: ['{b: 2, c: [yes, null]}'], typed: ['c=3', 'x=1'], raw: ['x=1']})
    assert.deepEqual(given, {a: 1n, b: 2n, c: 3n, d: 1, when: '2019-01-01', x: '1'})
  })

  it('that cannot be read are refused', async () => {
    await assert.rejects(readParameters({...none, yaml: ['{a: [']}), (error: {code: string}) => code(error) === 'PARAMETERS_INVALID')
    await assert.rejects(readParameters({...none, yaml: ['[1]']}), (error: {code: string}) => code(error) === 'PARAMETERS_INVALID')
    for (const base64 of [['!!'], ['']]) await assert.rejects(readParameters({...none, base64}), {code: 'PARAMETERS_INVALID', exit: 65})
    await assert.rejects(readParameters({...none, files: ['/nowhere.yaml']}), (error: {code: string}) => code(error) === 'PARAMETERS_FILE')
    await assert.rejects(readParameters({...none, typed: ['=1']}), (error: {code: string}) => code(error) === 'INVALID_PARAMETER')
    for (const name of ['a b', 'lambda', '1a', 'a;b']) assert.throws(() => parameterSource({[name]: 1n}, translatorFor('python3', undefined)), (error: {code: string}) => code(error) === 'INVALID_PARAMETER', name)
    assert.throws(() => translatorFor('sas', 'SAS'), (error: {code: string}) => code(error) === 'PARAMETERS_LANGUAGE')
  })

  it('are found with type, default and help', () => {
    const source = 'import os\nlr: float = 1e-3  # learning rate\nname = "a#b" # type: str what it is called\nlayers = [\n  1,  # first\n  2,\n]\nx = y = None\nif lr == 1:\n    hidden = 2\ndone\ntext = """a\n= b"""\n'
    assert.deepEqual(inspect(source).map(({name, type, default: value, help}) => [name, type, value, help]), [
      ['lr', 'float', '1e-3', 'learning rate'], ['name', 'str', '"a#b"', 'what it is called'], ['layers', 'list', '[   1,     2, ]', 'first'], ['x', null, 'y = None', null], ['text', 'str', '"""a\n= b"""', null],
    ])
    assert.deepEqual(inspect('alpha <- 0.5 # step\nn = 3L', r).map(({name, type, default: value}) => [name, type, value]), [['alpha', 'float', '0.5'], ['n', 'int', '3L']])
  })

  it('are injected behind the tagged cell, in place of the former ones, or at the top', () => {
    const warnings: string[] = []
    const inject = (notebook: Notebook, values: Record<string, Value>) => injectParameters(notebook, values, undefined, (message) => void warnings.push(message))
    const tagged = notebookOf([{source: '1'}, {source: 'a = 1', tags: ['parameters']}, {source: 'a'}])
    inject(tagged, {a: 2n})
    inject(tagged, {a: 3n})
    assert.deepEqual(tagged.cells.map(({source, metadata}) => [source, metadata['tags']]), [['1', []], ['a = 1', ['parameters']], ['# Parameters\na = 3\n', ['injected-parameters']], ['a', []]])
    assert.deepEqual(tagged.metadata['papermill'], {parameters: {a: 3}})
    assert.deepEqual(warnings, [])
    const bare = notebookOf([{source: 'a'}], 'ir')
    inject(bare, {_a: true})
    assert.equal(bare.cells[0]?.source, '# Parameters\na = TRUE\n')
    assert.match(warnings.join(), /no cell is tagged/)
  })

  it('that the notebook does not have are refused, with the one that was meant', () => {
    const notebook = notebookOf([{source: 'epochs = 1', tags: ['parameters']}])
    assert.throws(() => injectParameters(notebook, {epoch: 1n}, undefined, () => undefined), (error: {code: string; exit: number; fix: string}) => error.code === 'UNKNOWN_PARAMETER' && error.exit === 64 && error.fix === 'did you mean epochs?')
  })
})
