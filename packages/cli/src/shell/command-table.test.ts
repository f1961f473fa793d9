import assert from 'node:assert/strict'
import {type CommandTable, findCommand, wantsHelp} from './command-table.ts'

const plain = {takesArgs: false, remoteArgs: false, fullConfig: false, standalone: false}
const table: CommandTable = {
  version: '0.0.0', hookEvents: [], plugins: [], aliases: {ps: 'runtime:list'},
  commands: {
    'runtime:list': plain, 'runtime:show': {...plain, takesArgs: true}, version: plain,
    run: {...plain, takesArgs: true, remoteArgs: true, flags: {gpu: {type: 'option'}, quiet: {type: 'boolean', char: 'q'}}},
  },
}

describe('findCommand', () => {
  const cases: [argv: string[], expected: [id: string, argv: string[]] | undefined][] = [
    [['runtime', 'list'], ['runtime:list', []]],
    [['ps', '--json'], ['runtime:list', ['--json']]],
    [['runtime', 'show', 'list'], ['runtime:show', ['list']]],
    [['run', 'list', '--x'], ['run', ['list', '--x']]],
    [['version', '--json'], ['version', ['--json']]],
    [['version', 'x'], undefined],
    [['runtime'], undefined],
    [['runtime', 'lst'], undefined],
    [['runtime:list'], undefined],
    [['--json', 'runtime', 'list'], undefined],
    [['constructor'], undefined],
    [[], undefined],
  ]
  for (const [argv, expected] of cases) {
    it(`takes "${argv.join(' ')}" for ${expected ? expected[0] : 'none of ours'}`, () => {
      const found = findCommand(argv, table)
      assert.deepEqual(found && [found.id, found.argv], expected)
    })
  }
})

describe('findCommand, with plugins', () => {
  const others = ['run:notebook', 'hello', 'runtime:list', 'ps']
  const cases: [argv: string[], expected: string | undefined][] = [
    [['run', 'notebook', 'x.ipynb'], undefined], // the plugin's, whose name is longer
    [['run', 'notes.py'], 'run'],
    [['runtime', 'list'], 'runtime:list'], // what cgpu has stays its own
    [['ps'], 'runtime:list'],
    [['hello'], undefined],
  ]
  for (const [argv, expected] of cases) {
    it(`takes "${argv.join(' ')}" for ${expected ?? 'none of ours'}`, () => assert.equal(findCommand(argv, table, others)?.id, expected))
  }
})

describe('wantsHelp', () => {
  const cases: [argv: string[], expected: boolean][] = [
    [['runtime', 'list', '--help'], true], [['runtime', 'show', 'x', '-h'], true], [['runtime', 'show', '--', '--help'], false],
    [['run', '--help'], true], [['run', '-q', '--help', 'x.py'], true], [['run', 'x.py', '--help'], false], [['run', '--', 'ls', '--help'], false],
    [['run', '--gpu', 'x', 'y', '-h'], false], [['run', '--unknown', '--help'], true],
  ]
  for (const [argv, expected] of cases) {
    it(`is ${expected} for "${argv.join(' ')}"`, () => {
      const found = findCommand(argv, table)
      assert.ok(found)
      assert.equal(wantsHelp(found), expected)
    })
  }
})
