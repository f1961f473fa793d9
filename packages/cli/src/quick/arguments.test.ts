import assert from 'node:assert/strict'
import {quickArguments} from './arguments.ts'

describe('arguments of the quick exec', () => {
  const plain = {freshKernel: false, quiet: false, verbose: false, kind: 'text'}

  it('are read where they can only be read one way', () => {
    const cases: [argv: string[], read: object][] = [
      [['1'], {code: '1'}], [['x = 1'], {code: 'x = 1'}], [['-r', 'a', '1'], {code: '1', runtime: 'a'}], [['1', '--runtime=a'], {code: '1', runtime: 'a'}],
      [['-f', 'a.py', '--timeout', '5s', '--output-dir', 'o', '--kernel', 'k'], {file: 'a.py', timeout: '5s', outputDir: 'o', kernel: 'k'}],
      [['1', '--json'], {code: '1', kind: 'json'}], [['1', '--output', 'json'], {code: '1', kind: 'json'}], [['1', '--output=ndjson'], {code: '1', kind: 'ndjson'}],
      [['--new-kernel', '-q', '-v', '1'], {code: '1', freshKernel: true, quiet: true, verbose: true}],
    ]
    for (const [argv, read] of cases) assert.deepEqual(quickArguments(argv, {}), {...plain, ...read}, argv.join(' '))
  })

  it('are left to oclif everywhere else', () => {
    const others = [
      [], ['-'], ['1', '2'], ['1', '-f', 'a'], ['--', '1'], ['-r'], ['-r', ''], ['-r', '-x', '1'], ['1', '--help'], ['-h'], ['1', '--secret', 'A'], ['-ra', '1'], ['-qv', '1'], ['1', '--json=1'],
      ['1', '--output', 'xml'], ['1', '-r', 'a', '-r', 'b'], ['1', '--account', 'a'], ['1', '--no-json'], ['constructor', '--toString'],
    ]
    for (const argv of others) assert.equal(quickArguments(argv, {}), undefined, argv.join(' '))
    for (const name of ['CGPU_SECRET', 'CGPU_JSON', 'CGPU_TIMEOUT', 'CGPU_OUTPUT_DIR']) assert.equal(quickArguments(['1'], {[name]: '1'}), undefined, name)
    assert.notEqual(quickArguments(['1'], {CGPU_RUNTIME: 'a', CGPU_KERNEL: 'b'}), undefined)
  })
})
