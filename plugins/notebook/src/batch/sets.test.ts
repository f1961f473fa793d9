import assert from 'node:assert/strict'
import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseCsv} from './csv.ts'
import {parameterSets} from './sets.ts'

describe('parameter sets of a sweep', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-sets-'))
  })
  after(() => rm(folder, {recursive: true, force: true}))
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }

  it('are all combinations of a grid, the last parameter changing first', async () => {
    assert.deepEqual(await parameterSets(['lr=0.1,1e-2', 'depth=2,4'], []), [{lr: 0.1, depth: 2n}, {lr: 0.1, depth: 4n}, {lr: 0.01, depth: 2n}, {lr: 0.01, depth: 4n}])
    assert.deepEqual(await parameterSets(['a=1 b=2,3'], []), [{a: 1n, b: 2n}, {a: 1n, b: 3n}])
  })

  it('have values typed as -p types them, and text in quotes', async () => {
    const sets = await parameterSets(['x=True,None,3,1.0,inf,word,"3",\'a, b\',"say \\"hi\\"",""'], [])
    assert.deepEqual(sets.map(({x}) => x), [true, null, 3n, 1, Infinity, 'word', '3', 'a, b', 'say "hi"', ''])
  })

  it('are the rows of a matrix: zipped values, YAML, JSON, CSV', async () => {
    const rows = [{a: 1n, b: 'x'}, {a: 2n, b: 'y z'}]
    assert.deepEqual(await parameterSets([], ['a=1,2 b=x,"y z"']), rows)
    assert.deepEqual(await parameterSets([], [await file('sets.yaml', '- {a: 1, b: x}\n- a: 2\n  b: y z\n')]), rows)
    assert.deepEqual(await parameterSets([], [await file('sets.json', '[{"a": 1, "b": "x"}, {"a": 2, "b": "y z"}]')]), rows)
    assert.deepEqual(await parameterSets([], [await file('sets.CSV', '\uFEFFa, b\r\n1,x\r\n\r\n2,"y z"\r\n')]), rows)
    assert.deepEqual(await parameterSets([], [await file('some.csv', 'a,b\n1,\n,2\n')]), [{a: 1n}, {b: 2n}])
  })

  it('are every row with every combination, and rows of several matrices one after the other', async () => {
    assert.deepEqual(await parameterSets(['c=5,6'], ['a=1', 'b=2']), [{a: 1n, c: 5n}, {a: 1n, c: 6n}, {b: 2n, c: 5n}, {b: 2n, c: 6n}])
    assert.deepEqual(await parameterSets([], []), [{}])
  })

  it('are refused where they are not clear', async () => {
    const cases: [grid: string[], matrix: string[], code: string, message: RegExp][] = [
      [['lr'], [], 'INVALID_SWEEP', /"lr" is not NAME=VALUE/], [['lr='], [], 'INVALID_SWEEP', /a value of lr is missing/], [['lr=1,'], [], 'INVALID_SWEEP', /a value of lr is missing/],
      [['lr=1 more'], [], 'INVALID_SWEEP', /"more" is not/], [['lr="a"b'], [], 'INVALID_SWEEP', /more behind a quoted value/], [['lr="a'], [], 'INVALID_SWEEP', /missing/], [[''], [], 'INVALID_SWEEP', /is not NAME/],
      [['lr=1', 'lr=2'], [], 'INVALID_SWEEP', /lr is given twice/], [['lr=1'], ['lr=1'], 'INVALID_SWEEP', /lr is given twice/],
      [[], ['a=1,2 b=3'], 'INVALID_SWEEP', /b has 1 values, and a has 2/], [[], [join(folder, 'none.yaml')], 'MATRIX_NOT_FOUND', /cannot be read/],
      [[], [await file('map.yaml', 'a: 1')], 'MATRIX_INVALID', /not a list/], [[], [await file('bad.yaml', '[')], 'MATRIX_INVALID', /not YAML/], [[], [await file('empty.csv', 'a,b\n')], 'MATRIX_INVALID', /holds no parameters/],
      [[], [await file('odd.csv', 'a,b\n1\n')], 'MATRIX_INVALID', /row 1 has 1 values/], [[], [await file('twice.csv', 'a,a\n1,2\n')], 'MATRIX_INVALID', /two columns/], [[], [await file('open.csv', 'a\n"1\n')], 'MATRIX_INVALID', /quote/],
      [Array.from({length: 20}, (_, at) => `p${at}=1,2`), [], 'TOO_MANY_RUNS', /1048576 runs/],
    ]
    for (const [grid, matrix, code, message] of cases) await assert.rejects(parameterSets(grid, matrix), {code, message}, JSON.stringify([grid, matrix]))
  })

  it('come from CSV as RFC 4180 has it', () => {
    assert.deepEqual(parseCsv('a,"b ""c"""\n"1\n2","3,4"\r\n,\n'), [['a', 'b "c"'], ['1\n2', '3,4'], ['', '']])
    assert.deepEqual([parseCsv(''), parseCsv('a'), parseCsv('a"b\n')], [[], [['a']], undefined])
  })
})
