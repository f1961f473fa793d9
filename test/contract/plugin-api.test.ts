import assert from 'node:assert/strict'
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {repoRoot} from '../helpers/cli.ts'

interface ApiReport {
  apiReport(): string
  brokenPromises(report: string): string[]
}

describe('the contract with plugins', () => {
  let api: ApiReport
  before(async () => {
    api = (await import(join(repoRoot, 'scripts/api-report.mjs'))) as ApiReport // plain JavaScript of the build
  })

  it('is kept by the SDK as it is built', () => assert.deepEqual(api.brokenPromises(api.apiReport()), []))

  it('is broken by what goes or changes, and not by what is added', () => {
    const report = api.apiReport()
    const line = 'ExecutionRequest: argv?: string[];'
    assert.ok(report.includes(line))
    assert.deepEqual(api.brokenPromises(report.replace(line, `${line}\nExecutionRequest: more?: number;`)), [])
    for (const changed of ['', 'ExecutionRequest: argv: string[];']) assert.deepEqual(api.brokenPromises(report.replace(line, changed)), [line])
  })

  it('names what plugins are written with, and nothing of cgpu\'s own', () => {
    const frozen = readFileSync(join(repoRoot, 'packages/plugin-sdk/api/contract-1.txt'), 'utf8')
    for (const name of ['CgpuCommand', 'defineProvider', 'RuntimeProvider', 'hookRecorder', 'testHome', 'table', 'ExitCode']) assert.match(frozen, new RegExp(`\\b${name}\\b`))
    for (const name of ['withExecution', 'leaveDebugLog', 'strayOfHook']) assert.doesNotMatch(frozen, new RegExp(`\\b${name}\\b`))
  })
})
