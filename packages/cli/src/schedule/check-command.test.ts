import assert from 'node:assert/strict'
import fc from 'fast-check'
import {commandsOf} from '../completion/commands.ts'
import {checkCommand} from './check-command.ts'

const commands = commandsOf({commands: {
  run: {remoteArgs: true, strict: false, aliases: [], args: {}, flags: {detach: {type: 'boolean', char: 'd'}, env: {type: 'option', char: 'e', multiple: true}, gpu: {type: 'option', aliases: ['accelerator']}}},
  exec: {remoteArgs: true, strict: false, aliases: [], args: {}, flags: {file: {type: 'option'}}},
  'config:list': {aliases: ['settings'], args: {}, flags: {origin: {type: 'boolean'}}},
  'history:list': {aliases: [], args: {id: {}}, flags: {limit: {type: 'option'}}},
  'auth:login': {aliases: [], args: {}, flags: {}},
  'secret:set': {aliases: [], args: {name: {}}, flags: {}},
  'schedule:run': {aliases: [], args: {name: {}}, flags: {}},
  hidden: {hidden: true, aliases: [], args: {}, flags: {}},
}})

describe('the command of a schedule', () => {
  for (const line of ['run -d train.py --detahc', 'run --accelerator t4 -- sh -c x', 'config list --origin', 'settings', 'history list 1 --limit 3', 'exec 1+1']) {
    it(`may be "${line}"`, () => assert.deepEqual(checkCommand(line.split(' '), commands), {envNames: []}))
  }

  const refused: [line: string, code: string, fix: RegExp][] = [
    ['', 'COMMAND_REQUIRED', /-- run train\.py/],
    ['cgpu run x', 'UNKNOWN_COMMAND', /leave out "cgpu"/],
    ['rnu x', 'UNKNOWN_COMMAND', /did you mean "cgpu run"/],
    ['config lst', 'UNKNOWN_COMMAND', /did you mean "cgpu config list"/],
    ['config', 'UNKNOWN_COMMAND', /see cgpu config --help/],
    ['--json config list', 'UNKNOWN_COMMAND', /./],
    ['hidden', 'UNKNOWN_COMMAND', /./],
    ['run --detahc x', 'UNKNOWN_FLAG', /did you mean --detach/],
    ['config list --orgin', 'UNKNOWN_FLAG', /did you mean --origin/],
    ['history list 1 --help', 'UNKNOWN_FLAG', /./],
    ['auth login', 'NOT_UNATTENDED', /do it before/],
    ['secret set X', 'NOT_UNATTENDED', /do it before/],
    ['schedule run other', 'NOT_UNATTENDED', /the command itself/],
    ['exec -- -', 'NOT_UNATTENDED', /--file/],
    ['exec -', 'NOT_UNATTENDED', /--file/],
  ]
  for (const [line, code, fix] of refused) {
    it(`is not "${line}"`, () => assert.throws(() => checkCommand(line === '' ? [] : line.split(' '), commands), (error: Error & {code?: string; exit?: number; fix?: string}) => {
      assert.deepEqual([error.code, error.exit], [code, 64])
      assert.match(error.fix ?? '', fix)
      return true
    }))
  }

  it('names the variables that it takes from where it runs, not the program\'s arguments', () => {
    assert.deepEqual(checkCommand(['run', '-e', 'A', '--env', 'B=1', '--env=C', '-eD', '-e', 'E=', 'x.py', '-e', 'F'], commands), {envNames: ['A', 'C', 'D']})
  })

  it('never throws anything else, whatever it is', () => fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('run', '--', '-e', 'exec', '-', '--env=')), {maxLength: 6}), (argv) => {
    try {
      checkCommand(argv, commands)
    } catch (error) {
      assert.equal((error as {exit?: number}).exit, 64)
    }
  })))
})
