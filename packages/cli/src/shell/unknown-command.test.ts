import assert from 'node:assert/strict'
import {suggestCommand, unknownCommand} from './unknown-command.ts'

const known = {commands: ['run', 'exec', 'ps', 'runtime list', 'runtime show', 'runtime release', 'config set', 'version', 'emulator scenario load'], topics: ['runtime', 'config', 'emulator', 'emulator scenario']}

describe('suggestCommand', () => {
  const cases: [typed: string, expected: string | undefined][] = [
    ['verson', 'version'], ['runtime lst', 'runtime list'], ['runtime relaese trainer', 'runtime release'], ['rutime list', 'runtime list'],
    ['confg set', 'config set'], ['exce', 'exec'], ['runtime zzzzz', undefined], ['qqqqqq', undefined],
  ]
  for (const [typed, expected] of cases) it(`takes "${typed}" for ${expected ?? 'nothing'}`, () => assert.equal(suggestCommand(typed.split(' '), known), expected))
})

describe('unknownCommand', () => {
  it('exits with 127 and says what to type', () => {
    const error = unknownCommand('runtime:lst', known)
    assert.deepEqual([error.exit, error.code, error.message, error.fix], [127, 'UNKNOWN_COMMAND', '"runtime lst" is not a command of cgpu', 'did you mean "cgpu runtime list"?'])
  })

  it('points to the help of the topic where nothing is near', () => assert.equal(unknownCommand('runtime:zzzzz', known).fix, 'see cgpu runtime --help'))

  it('names the word that is wrong below a topic of a topic', () => {
    const error = unknownCommand('emulator:scenario:laod:plain', known)
    assert.deepEqual([error.message, error.fix], ['"emulator scenario laod" is not a command of cgpu', 'did you mean "cgpu emulator scenario load"?'])
    assert.equal(unknownCommand('emulator:scenario:zzzzz', known).fix, 'see cgpu emulator scenario --help')
  })

  it('shows what was typed without its control characters', () => assert.doesNotMatch(unknownCommand('\u001b[2J', known).message, /\u001b/))
})
