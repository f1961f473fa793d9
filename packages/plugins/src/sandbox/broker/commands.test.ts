import assert from 'node:assert/strict'
import {CgpuError} from '@cgpu/core/errors'
import {argsOf, asksForMachine, readCall} from './commands.ts'

describe('commands that a plugin has cgpu run', () => {
  const again = (...args: string[]): string[] | undefined => {
    const call = readCall(args)
    return call && argsOf(call)
  }

  it('are those of the SDK, as they were given', () => {
    for (const args of [
      ['runtime', 'list', '--json'], ['runtime', 'show', '--json', 'here'], ['exec', '--runtime=here', '--json', '-'],
      ['run', '--env=WHO=me', '--env=A=', '--packages=numpy', '--json', '--', 'sh', '-c', 'echo $WHO', '--', '--json'],
      ['run', '--detach', '--json', '--', 'train'], ['cp', '--force', '--json', './data', 'here:data'],
    ]) assert.deepEqual(again(...args), args)
  })

  it('are no others', () => {
    for (const args of [['plugins', 'trust', 'x'], ['auth', 'token'], ['config', 'set', 'x', 'y'], ['runtime:list'], ['runtime'], ['secret', 'set', 'x'], ['constructor'], ['shell']]) assert.equal(again(...args), undefined)
  })

  it('reach nothing of this computer by a flag or a word, however it is written', () => {
    for (const args of [
      ['exec', '--file=/etc/passwd'], ['exec', '--file', '/etc/passwd'], ['exec', '-f', '/etc/passwd'], ['exec', '-f/etc/passwd'], ['exec', '--output-dir=/'], ['exec', '-', '--file=/x'],
      ['run', '--env=HOME', '--', 'env'], ['run', '--env', 'HOME', '--', 'env'], ['run', '-eHOME', '--', 'env'], ['run', '--env-file=/x', '--', 'env'], ['run', '--include=/x', '--', 'env'],
      ['run', '--outputs=*', '--output-dir=/', '--', 'env'], ['run', '--requirements=/x', '--', 'env'], ['run', '/etc/passwd'], ['run', 'script.py', '--', 'x'], ['run', '--'], ['run', '--runtime', '--', 'x'],
      ['runtime', 'release', '--all'], ['runtime', 'release', 'a', 'b'], ['runtime', 'list', '--', 'x'], ['cp', 'a', 'b', 'c'], ['cp', '--follow', 'a', 'x:b'], ['job', 'logs', '--output=text', 'x'],
    ]) assert.throws(() => again(...args), (error: unknown) => error instanceof CgpuError && error.code === 'SANDBOX_CALL', args.join(' '))
  })

  it('ask for a machine where they name its kind, or keep it', () => {
    const asks = (...args: string[]): boolean => {
      const call = readCall(['run', ...args, '--', 'x'])
      return call !== undefined && asksForMachine(call)
    }
    assert.deepEqual([['--gpu=T4'], ['--keep'], ['--lease=1h'], ['--runtime=x', '--detach']].map((args) => asks(...args)), [true, true, true, false])
  })
})
