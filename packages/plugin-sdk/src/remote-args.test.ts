import assert from 'node:assert/strict'
import fc from 'fast-check'
import {CgpuError} from '@cgpu/core/errors'
import {type FlagShape, splitRemoteArgs} from './remote-args.ts'

const flags: Record<string, FlagShape> = {
  gpu: {type: 'option', char: 'g'}, env: {type: 'option', char: 'e'}, 'env-file': {type: 'option'},
  quiet: {type: 'boolean', char: 'q'}, verbose: {type: 'boolean', char: 'v'}, keep: {type: 'boolean', allowNo: true},
}

function usageError(argv: string[]): CgpuError {
  try {
    splitRemoteArgs(argv, flags)
  } catch (error) {
    assert.ok(error instanceof CgpuError)
    assert.equal(error.exit, 64)
    return error
  }
  throw new Error(`${argv.join(' ')} was taken`)
}

describe('splitRemoteArgs', () => {
  const cases: [title: string, argv: string[], own: string[], rest: string[], separator: boolean][] = [
    ['nothing', [], [], [], false],
    ['a script alone', ['x.py'], [], ['x.py'], false],
    ['flags of the script', ['x.py', '--gpu', 'a100', '--unknown'], [], ['x.py', '--gpu', 'a100', '--unknown'], false],
    ['flags before it', ['--gpu', 't4', '-q', 'x.py', '-q'], ['--gpu', 't4', '-q'], ['x.py', '-q'], false],
    ['a value with =', ['--gpu=t4', 'x.py'], ['--gpu=t4'], ['x.py'], false],
    ['a value that looks like a flag', ['--env', '-x', 'x.py'], ['--env', '-x'], ['x.py'], false],
    ['a value glued to its letter', ['-gt4', 'x.py'], ['-gt4'], ['x.py'], false],
    ['letters together, the last with a value', ['-qe', 'A=1', 'x.py'], ['-qe', 'A=1'], ['x.py'], false],
    ['--no-', ['--no-keep', 'x.py'], ['--no-keep'], ['x.py'], false],
    ['a command behind --', ['-q', '--', 'python', '--', 'x'], ['-q'], ['python', '--', 'x'], true],
    ['-- is never a value', ['--gpu', '--', 'ls'], ['--gpu'], ['ls'], true],
    ['- is a program', ['-', 'a'], [], ['-', 'a'], false],
    ['an empty argument is a program', ['', 'a'], [], ['', 'a'], false],
  ]
  for (const [title, argv, own, rest, separator] of cases) {
    it(`takes ${title}`, () => assert.deepEqual(splitRemoteArgs(argv, flags), {own, rest, separator}))
  }

  it('refuses an unknown flag before the program and says which was meant', () => {
    const error = usageError(['--gup', 't4', 'x.py'])
    assert.equal(error.code, 'UNKNOWN_FLAG')
    assert.match(error.message, /unknown flag --gup$/)
    assert.match(error.fix ?? '', /did you mean --gpu\?/)
    assert.equal(usageError(['-z', 'x.py']).code, 'UNKNOWN_FLAG')
    assert.equal(usageError(['-qz']).code, 'UNKNOWN_FLAG')
  })

  it('refuses a value for a switch', () => assert.match(usageError(['--quiet=yes', 'x.py']).message, /takes no value/))

  it('shows control characters of a flag as text', () => assert.doesNotMatch(usageError(['--\u001b]0;x\u0007']).message, /[\u001b\u0007]/))

  const ours = fc.constantFrom<string[]>(['-q'], ['--verbose'], ['--gpu', 't4'], ['--gpu=t4'], ['-gt4'], ['-e', 'A=1'], ['--env-file', '-'], ['--keep'], ['--no-keep'])
  const program = fc.oneof(fc.constantFrom('x.py', 'a b', './--x', '-', 'ünï'), fc.string()).filter((word) => word === '-' || !word.startsWith('-'))

  it('never changes what belongs to the program, whatever it is', () => {
    fc.assert(fc.property(fc.array(ours), program, fc.array(fc.string()), (own, script, args) => {
      assert.deepEqual(splitRemoteArgs([...own.flat(), script, ...args], flags), {own: own.flat(), rest: [script, ...args], separator: false})
      assert.deepEqual(splitRemoteArgs([...own.flat(), '--', script, ...args], flags), {own: own.flat(), rest: [script, ...args], separator: true})
    }))
  })

  it('loses no argument and makes none up', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '-q', '--gpu', '--gpu=1', 'x'))), (argv) => {
      let split
      try {
        split = splitRemoteArgs(argv, flags)
      } catch (error) {
        assert.ok(error instanceof CgpuError && error.exit === 64)
        return
      }
      assert.deepEqual([...split.own, ...(split.separator ? ['--'] : []), ...split.rest], argv)
    }))
  })
})
