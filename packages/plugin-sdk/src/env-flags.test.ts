import assert from 'node:assert/strict'
import {boolean, string} from '@oclif/core/flags'
import {envArguments, envName, withEnv} from './env-flags.ts'

describe('withEnv', () => {
  it('names the variable after the flag', () => assert.equal(envName('high-ram'), 'CGPU_HIGH_RAM'))

  it('gives every flag a variable and keeps one that it has', () => {
    const flags = withEnv({gpu: string(), 'high-ram': boolean(), profile: string({env: 'CGPU_OTHER'})})
    assert.deepEqual(Object.values(flags).map(({env}) => env), ['CGPU_GPU', 'CGPU_HIGH_RAM', 'CGPU_OTHER'])
  })

  it('lets a repeatable flag take one value at a time', () => assert.equal(withEnv({include: string({multiple: true})}).include.multipleNonGreedy, true))
})

describe('envArguments', () => {
  const flags = {include: {type: 'option', env: 'CGPU_INCLUDE', multiple: true}, gpu: {type: 'option', env: 'CGPU_GPU'}}

  it('makes a value of each part', () => assert.deepEqual(envArguments(flags, [], {CGPU_INCLUDE: 'a, b,,c', CGPU_GPU: 'x,y'}), ['--include=a', '--include=b', '--include=c']))

  it('gives way to the flag itself', () => {
    assert.deepEqual(envArguments(flags, ['--include', 'z'], {CGPU_INCLUDE: 'a'}), [])
    assert.deepEqual(envArguments(flags, ['--include=z'], {CGPU_INCLUDE: 'a'}), [])
  })
})
