import assert from 'node:assert/strict'
import fc from 'fast-check'
import {CgpuError, errors} from '@cgpu/core/errors'
import {exitRequest, exitStatus, toCgpuError} from './problem.ts'

const context = {command: 'cgpu run', flagNames: ['gpu', 'json']}
const errno = (code: string): Error => Object.assign(new Error(`${code}: no`), {code, syscall: 'open', path: '/x/\u001b[31my'})

describe('toCgpuError', () => {
  it('keeps an error of ours', () => {
    const error = errors.notFound('gone', {code: 'GONE'})
    assert.equal(toCgpuError(error, context), error)
  })

  const cases: [title: string, thrown: unknown, code: string, exit: number][] = [
    ['an unknown flag', Object.assign(new Error('Nonexistent flag: --gup'), {parse: {}, flags: ['--gup']}), 'UNKNOWN_FLAG', 64],
    ['a missing argument', Object.assign(new Error('Missing 1 required arg:\nurl  address\nSee more help with --help'), {parse: {}}), 'USAGE', 64],
    ['a flag without its value', new Error('Flag --gpu expects a value'), 'USAGE', 64],
    ['a value that cannot be parsed', new Error('Parsing --n \n\tExpected an integer but received: x\nSee more help with --help'), 'USAGE', 64],
    ['an abort', new DOMException('stop', 'AbortError'), 'INTERRUPTED', 130],
    ['a full disk', errno('ENOSPC'), 'CANNOT_WRITE', 73],
    ['a refused file', errno('EACCES'), 'CANNOT_WRITE', 73],
    ['an outside command\'s own error', Object.assign(new Error('no such plugin'), {oclif: {exit: 2}}), 'COMMAND_FAILED', 64],
    ['a bug', new TypeError('x is undefined'), 'INTERNAL', 70],
    ['a thrown string', 'oops', 'INTERNAL', 70],
    ['a thrown nothing', undefined, 'INTERNAL', 70],
  ]
  for (const [title, thrown, code, exit] of cases) {
    it(`explains ${title}`, () => {
      const error = toCgpuError(thrown, context)
      assert.deepEqual([error.code, error.exit], [code, exit])
      assert.doesNotMatch(error.message, /[\u001b\n\t]|See more help/)
      assert.ok(error.exit === 130 || error.fix)
    })
  }

  const sentences: [title: string, thrown: unknown, message: string][] = [
    ['arguments as the help names them', Object.assign(new Error('Missing 1 required arg:\nurl  address'), {parse: {}, args: [{name: 'url', description: 'address'}]}), 'missing: URL (address)'],
    [
      'two flags that exclude each other once',
      Object.assign(new Error('The following errors occurred:\n  --gpu=t4 cannot also be provided when using --cpu\n  --cpu=true cannot also be provided when using --gpu'), {parse: {}}),
      '--cpu and --gpu cannot be given together',
    ],
    ['the flag that another one needs', Object.assign(new Error('The following error occurred:\n  All of the following must be provided when using --record: --upstream'), {parse: {}}), '--record needs --upstream'],
  ]
  for (const [title, thrown, message] of sentences) it(`names ${title}`, () => assert.equal(toCgpuError(thrown, context).message, message))

  it('names the flag that was meant', () => {
    const error = toCgpuError(Object.assign(new Error('Nonexistent flag: --jsn'), {parse: {}, flags: ['--jsn']}), context)
    assert.equal(error.fix, 'did you mean --json? see cgpu run --help')
  })

  it('lets no thrown thing break it, nor pass control characters', () => {
    fc.assert(fc.property(fc.anything(), (thrown) => {
      const error = toCgpuError(thrown, context)
      assert.ok(error instanceof CgpuError)
      assert.doesNotMatch(error.message, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
    }))
  })
})

describe('exit statuses', () => {
  it('keep the signal that interrupted', () => {
    const by = (signal: string): CgpuError => errors.interrupted('left', {code: 'INTERRUPTED', details: {signal}})
    assert.deepEqual(['SIGINT', 'SIGTERM', 'SIGHUP', 'nonsense'].map((name) => exitStatus(by(name))), [130, 143, 129, 130])
  })

  it('of oclif\'s exit() pass', () => {
    assert.equal(exitRequest(Object.assign(new Error('x'), {code: 'EEXIT', oclif: {exit: 3}})), 3)
    assert.equal(exitRequest(new Error('x')), undefined)
  })
})
