import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {CgpuError} from '../errors.ts'
import {isEnvName, parseEnvAssignments, parseEnvFile} from './env-file.ts'

describe('environment variables for the remote program', () => {
  describe('-e', () => {
    it('takes values and names', () => {
      assert.deepEqual(parseEnvAssignments(['A=1', 'B', 'C=', 'D=x=y', 'A=2'], {B: 'own'}), {A: '2', B: 'own', C: '', D: 'x=y'})
    })

    it('refuses odd names, missing and impossible values, without showing values', () => {
      for (const given of ['', '=secret', '1A=secret', 'A B=secret', 'A-B=secret', 'Ä=secret', 'A\u001b=secret']) {
        assert.throws(() => parseEnvAssignments([given], {}), (error: unknown) => {
          assert.ok(error instanceof CgpuError)
          assert.deepEqual([error.code, error.exit], ['INVALID_ENV', 64])
          return !JSON.stringify(error).includes('secret') && !error.message.includes('secret')
        })
      }
      assert.throws(() => parseEnvAssignments(['HOME_'], {}), {code: 'ENV_NOT_SET', message: 'the environment variable HOME_ is not set here'})
      assert.throws(() => parseEnvAssignments(['A=\0'], {}), {code: 'INVALID_ENV'})
    })

    it('keeps a variable called __proto__ a variable', () => {
      const found = parseEnvAssignments(['__proto__=x'], {})
      assert.deepEqual(Object.entries(found), [['__proto__', 'x']])
    })
  })

  describe('files', () => {
    it('are read as Node reads them', () => {
      const text = '\ufeff# comment\r\n\r\nA=1\r\nexport B = two words # why\r\nC="line 1\nline 2"\nD=\'#no\' # comment\nE=\nF=`x "y"`\n  G=a=b\n'
      assert.deepEqual(parseEnvFile(text, '.env'), {A: '1', B: 'two words', C: 'line 1\nline 2', D: '#no', E: '', F: 'x "y"', G: 'a=b'})
      assert.deepEqual(parseEnvFile('', '.env'), {})
    })

    for (const [text, message] of [
      ['A=1\nnonsense secret\n', '.env:2: expected NAME=VALUE'], ['1A=secret', '.env:1: "1A" cannot be the name of an environment variable'],
      ['A=1\nB="secret\nmore\n', '.env:2: the quote (") is never closed'], ['A=1\n\nB=\0secret', '.env:3: it holds a NUL character'], ['=secret', '.env:1: "" cannot be the name of an environment variable'],
      [`A=${'x'.repeat(2 ** 20)}`, '.env:1: the file is bigger than 1 MB'],
    ] as const) {
      it(`are refused with the line: ${message}`, () => assert.throws(() => parseEnvFile(text, '.env'), {code: 'ENV_FILE_INVALID', exit: 65, message}))
    }

    it('lose no variable: every accepted line is in the result', () => {
      const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/)
      const value = fc.stringMatching(/^[ -~]{0,12}$/).map(text => text.replaceAll(/["'`]/g, '').trim())
      fc.assert(fc.property(fc.array(fc.tuple(name, value), {maxLength: 6}), pairs => {
        const found = parseEnvFile(pairs.map(([key, text]) => `${key}=${text}\n`).join(''), '.env')
        assert.deepEqual(new Set(Object.keys(found)), new Set(pairs.map(([key]) => key).filter(key => key !== '__proto__')))
      }))
    })

    it('may export a variable without a value', () => {
      assert.deepEqual(parseEnvFile('export A=\nexport B=1\nC=', '.env'), {A: '', B: '1', C: ''})
    })

    it('are read or refused, whatever they hold', () => {
      fc.assert(fc.property(fc.oneof(fc.string({unit: 'binary'}), fc.array(fc.constantFrom('A', '=', '"', "'", '\n', ' ', '#', 'export ', '\\', '$')).map(parts => parts.join(''))), text => {
        try {
          for (const name of Object.keys(parseEnvFile(text, '.env'))) assert.ok(isEnvName(name), name)
        } catch (error) {
          assert.ok(error instanceof CgpuError && error.code === 'ENV_FILE_INVALID', String(error))
        }
      }), {numRuns: 3000})
    })
  })
})
