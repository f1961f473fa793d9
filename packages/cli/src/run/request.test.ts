import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {CgpuError} from '@cgpu/core/errors'
import {planRun} from '@cgpu/core/execution/plan'
import {splitRemoteArgs} from '@cgpu/plugin-sdk'
import * as fc from 'fast-check'
import Cp from '../commands/cp.ts'
import Exec from '../commands/exec.ts'
import Run from '../commands/run.ts'
import {checkedOutputDir} from './output-dir.ts'
import {fixOfLocal, parsePlace} from './place.ts'
import {runRequest} from './request.ts'
import {parseTimeLimit} from '@cgpu/core/text/time-limit'

/** What people and scripts type by mistake, mixed with what the commands know. */
const token = fc.oneof(
  fc.string({unit: 'binary', maxLength: 30}), fc.string({unit: 'grapheme', maxLength: 10}),
  fc.constantFrom('', '-', '--', '--gpu', '--gpu=', '-e', '-e=', '-eA=1', '-r', '-qv', '--json', '--output', 'ndjson', '--no-cpu', '--timeout', '-f', 'there:x', ':', 'a:', '../..', '/', '.', 'ok.py', '-o', '**', '--packages', ',', '--cwd', '\u001b[2J', '\0', '-h', '--help'),
  fc.integer({min: 1, max: 12_000}).map((length) => 'x'.repeat(length)),
)
const argv = fc.array(token, {maxLength: 6})

/** Only an error for the user may come out. */
async function orRefused(work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof CgpuError)) throw error
    assert.ok(error.exit >= 64 && error.exit <= 73 && error.exit !== 70, `${error.exit} ${error.message}`)
    assert.ok(error.fix, error.message)
    // eslint-disable-next-line no-control-regex -- that there are none is the point
    assert.doesNotMatch(error.message, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    assert.ok(error.message.length < 2000, 'readable')
  }
}

describe('whatever is typed', () => {
  let cwd: string
  before(() => {
    cwd = mkdtempSync(join(tmpdir(), 'cgpu-argv-'))
    writeFileSync(join(cwd, 'ok.py'), 'print(1)')
  })
  after(() => rmSync(cwd, {recursive: true}))

  for (const command of [Run, Exec, Cp]) {
    it(`is split for ${command.name.toLowerCase()}, or refused in words`, async () => {
      await fc.assert(fc.asyncProperty(argv, async (tokens) => {
        await orRefused(() => {
          const {own, rest, separator} = splitRemoteArgs(tokens, {...command.baseFlags, ...command.flags})
          assert.deepEqual([...own, ...(separator ? ['--'] : []), ...rest], tokens, 'nothing is lost or changed')
        })
      }), {numRuns: 300})
    })
  }

  it('becomes a plan for a run, or is refused in words', async () => {
    const list = fc.array(token, {maxLength: 2})
    const flags = fc.record({env: list, include: list, outputs: list, packages: list, 'env-file': list, cwd: token, requirements: token}, {requiredKeys: []})
    await fc.assert(fc.asyncProperty(flags, argv, fc.boolean(), async (given, rest, separator) => {
      await orRefused(async () => planRun((await runRequest(given, rest, separator, {cwd, env: {}})).run))
    }), {numRuns: 300})
  })

  it('is a place, a time and a folder, or refused in words', async () => {
    await fc.assert(fc.asyncProperty(token, async (text) => {
      await orRefused(() => parsePlace(text))
      await orRefused(() => parseTimeLimit(text))
      await orRefused(() => checkedOutputDir(text))
    }), {numRuns: 500})
  })
})

describe('a place', () => {
  it('is on a runtime only when a name stands before the colon', () => {
    assert.deepEqual(parsePlace('there:a b/c:d'), {runtime: 'there', path: 'a b/c:d'})
    assert.deepEqual(parsePlace('there:'), {runtime: 'there', path: ''})
    assert.deepEqual(parsePlace('there:new\nline'), {runtime: 'there', path: 'new\nline'})
    for (const path of ['./there:x', '/a:b', 'C:\\x', 'Name:x', 'a_b:x', '..:x', 'plain']) assert.deepEqual(parsePlace(path), {path})
  })

  it('is a drive on Windows where one letter stands before the colon, and a runtime elsewhere', () => {
    assert.deepEqual(parsePlace('c:/x', 'linux'), {runtime: 'c', path: '/x'})
    for (const path of ['c:/x', 'c:', 'C:\\x']) assert.deepEqual(parsePlace(path, 'win32'), {path})
    assert.deepEqual(parsePlace('7:x', 'win32'), {runtime: '7', path: 'x'})
    assert.equal(fixOfLocal(['a', 'c:/x'], 'otherwise', 'win32'), 'c: is a drive here; a runtime of that name needs a longer one: cgpu runtime rename c NAME')
    assert.deepEqual([fixOfLocal(['c:/x'], 'otherwise', 'linux'), fixOfLocal(['C:/x'], 'otherwise', 'win32')], ['otherwise', 'otherwise'])
  })
})

describe('a time', () => {
  it('has a unit or is in seconds', () => {
    assert.deepEqual(['90', '90s', '1.5h', '10m', '250ms', ' 2s '].map(parseTimeLimit), [90_000, 90_000, 5_400_000, 600_000, 250, 2000])
  })
})
