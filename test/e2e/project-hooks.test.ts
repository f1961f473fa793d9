import assert from 'node:assert/strict'
import {once} from 'node:events'
import {readFile, rm} from 'node:fs/promises'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import type {ExecutionOutcome, ExecutionRequest} from '@cgpu/plugin-sdk'
import {envelope} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {Terminal} from '../helpers/terminal.ts'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

interface Told {
  event: string
  contract: number
  request: ExecutionRequest
  outcome?: ExecutionOutcome
}

describe('hooks of a project', function () {
  this.timeout(60_000)
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
    await bench.file('note.sh', '#!/bin/sh\ncat >> told; echo >> told\n', 0o755)
  })
  afterEach(async () => {
    for (const name of ['cgpu.yaml', 'told']) await rm(join(bench.home.cwd, name), {force: true})
  })
  after(() => bench.remove())

  const told = async (): Promise<Told[]> => {
    const path = join(bench.home.cwd, 'told')
    const text = await readFile(path, 'utf8').catch(() => '')
    await rm(path, {force: true})
    return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Told) // written by note.sh
  }
  // the two seconds that a hook has are little on a busy machine: these have more, where it is not about the time
  const declare = async (hooks: string, trust = true): Promise<void> => {
    await bench.file('cgpu.yaml', `hooks:\n${hooks}`)
    if (trust) assert.equal((await bench.cli(['config', 'trust'])).status, 0)
  }

  it('do not run unasked: whoever cannot be asked is told what to do, and nothing runs', async () => {
    await declare('  execution:before: {run: ./note.sh, timeout: 30}\n', false)
    for (const args of [['exec', 'x = 1'], ['run', '--', 'true']]) {
      const refused = await bench.cli(args)
      assertRefused(refused, 75)
      assert.match(refused.stderr, /^error: nobody agreed that hooks of .*cgpu\.yaml run\nfix: read them and agree: cgpu config trust; in CI: CGPU_PROJECT_HOOKS=on, or off/)
    }
    const {error} = envelope(await bench.cli(['exec', '--json', 'x = 1']))
    assert.deepEqual([error.code, error.details?.['hooks']], ['HOOKS_NOT_TRUSTED', ['execution:before: ./note.sh']])
    assert.equal((await bench.cli(['exec', '"x" in globals()'], {env: {CGPU_PROJECT_HOOKS: 'off'}})).stdout, 'False\n')
    assert.deepEqual(await told(), [])
    // what executes nothing, and what gives a machine back, goes on
    assert.equal((await bench.cli(['runtime', 'list'])).status, 0)
  })

  it('run where somebody agreed to them, until they are others', async () => {
    await declare('  execution:before: {run: ./note.sh, timeout: 30}\n  execution:after: {run: ./note.sh, timeout: 30}\n', false)
    const shown = await bench.data<{path: string; hooks: string[]; runs: boolean}>(['config', 'trust'])
    assert.deepEqual([shown.path, shown.hooks, shown.runs], [join(bench.home.cwd, 'cgpu.yaml'), ['execution:before: ./note.sh', 'execution:after: ./note.sh'], true])
    assert.equal((await bench.cli(['exec', '1/0'])).status, 1)
    const [before, after, ...more] = await told()
    assert.deepEqual([before?.event, before?.contract, before?.request.code, after?.event, after?.outcome?.status, after?.outcome?.exitStatus, more], ['execution:before', 1, '1/0', 'execution:after', 'error', 1, []])

    // other settings are none of it
    await bench.file('cgpu.yaml', 'gpu: t4\nhooks:\n  execution:before: {run: ./note.sh, timeout: 30}\n  execution:after: {run: ./note.sh, timeout: 30}\n')
    assert.equal((await bench.cli(['exec', '1'])).status, 0)
    await declare('  execution:before: {run: ./other.sh}\n', false)
    assertRefused(await bench.cli(['exec', '1']), 75)
    assert.equal((await bench.cli(['config', 'trust', '--revoke'])).status, 0)
    const without = await bench.cli(['exec', '1'])
    assert.deepEqual([without.status, without.stdout], [0, '1\n'])
    assert.match(without.stderr, /^warning: hooks of .* are not run, as you did not agree to them/m)
  })

  it('add variables behind those of plugins, and never over the user\'s', async () => {
    await linkPlugin(bench.home, [{name: 'zzz-plugin', hooks: {'execution:before': 'return {env: {A: "plugin", B: "plugin"}}'}}])
    await declare(`  execution:before:\n    - run: echo '{"env":{"B":"first","C":"first","D":"first"}}'\n      timeout: 30\n    - run: [printf, '%s', '{"env":{"C":"second"}}']\n      timeout: 30\n`)
    const {stdout, stderr} = await bench.cli(['run', '-e', 'D=user', '--', 'sh', '-c', 'echo $A $B $C $D'])
    assert.equal(stdout, 'plugin first second user\n', stderr)
    await linkPlugin(bench.home, [])
  })

  for (const [how, hook] of [['exit status 75', 'echo policy says no; exit 75'], ['JSON', `echo '{"veto":"policy says no"}'`]]) {
    it(`forbid by ${how}`, async () => {
      await declare(`  execution:before:\n    run: ${JSON.stringify(hook)}\n    timeout: 30\n`)
      const refused = await bench.cli(['exec', 'vetoed = 1'])
      assertRefused(refused, 75)
      assert.match(refused.stderr, /^error: cgpu\.yaml vetoed this execution: policy says no\nfix: .*take the hook out of .*cgpu\.yaml$/m)
    })
  }

  it('that misbehave become warnings', async () => {
    const bad: [hook: string, warning: RegExp][] = [
      ['{run: "echo oops >&2; exit 3", timeout: 30}', /failed in execution:before: ended with status 3: oops$/m],
      ['{run: "kill -9 $$", timeout: 30}', /failed in execution:before: was killed by SIGKILL$/m],
      ['{run: echo no json, timeout: 30}', /failed in execution:before: answered with something else than JSON$/m],
      ['run: [no-such-program]', /failed in execution:before: cannot be started/m],
      ['{run: "sleep 600 & sleep 600", timeout: 0.3}', /failed in execution:before: timed out after 300 ms$/m],
      ['{run: "yes", timeout: 30}', /failed in execution:before: printed more than 65536 bytes$/m],
    ]
    await declare(`  execution:before:\n${bad.map(([hook]) => `    - ${hook}\n`).join('')}`)
    const {status, stdout, stderr} = await bench.cli(['exec', '7'])
    assert.deepEqual([status, stdout], [0, '7\n'], stderr)
    for (const [hook, warning] of bad) assert.match(stderr, warning, hook)
  })

  describe('at an address', () => {
    let server: Server
    let asked: {event: string; token: string | undefined}[]
    let answer: (response: ServerResponse) => void
    before(async () => {
      server = createServer((request: IncomingMessage, response: ServerResponse) => {
        const chunks: Buffer[] = []
        request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
          asked.push({event: (JSON.parse(Buffer.concat(chunks).toString()) as Told).event, token: request.headers.authorization})
          answer(response)
        })
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
    })
    beforeEach(async () => {
      asked = []
      answer = (response) => response.end()
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
      await declare(`  execution:before:\n    url: ${url}\n    timeout: 30\n    headers: {Authorization: "Bearer \${HOOK_TOKEN}"}\n  execution:after:\n    url: ${url}\n    timeout: 30\n`)
    })
    after(() => {
      server.closeAllConnections()
      server.close()
    })

    it('are told by POST', async () => {
      assert.equal((await bench.cli(['exec', '1'], {env: {HOOK_TOKEN: 'x'}})).status, 0)
      assert.deepEqual(asked, [{event: 'execution:before', token: 'Bearer x'}, {event: 'execution:after', token: undefined}])
    })

    it('forbid by JSON', async () => {
      answer = (response) => response.setHeader('content-type', 'application/json').end('{"veto": "not now"}')
      assertRefused(await bench.cli(['exec', '1']), 75)
    })

    it('that fail become warnings', async () => {
      answer = (response) => {
        response.statusCode = 500
        response.end()
      }
      const {status, stderr} = await bench.cli(['exec', '1'])
      assert.equal(status, 0)
      assert.match(stderr, /failed in execution:before: answered with HTTP 500$/m)
    })
  })

  it('are asked about once, at a terminal, and no is an answer too', async () => {
    await declare('  execution:before: {run: ./note.sh, timeout: 30}\n', false)
    const ask = async (answer: string | undefined): Promise<string> => {
      const terminal = new Terminal(['exec', '6 * 7'], {home: bench.home})
      if (answer !== undefined) {
        await terminal.shows(/let them run\? \[y\/N\] /)
        assert.match(terminal.output, /execution:before: \.\/note\.sh/)
        terminal.type(`${answer}\r`)
      }
      assert.equal((await terminal.exit).exitCode, 0, terminal.output)
      assert.match(terminal.output, /42/)
      return terminal.output
    }
    await ask('y')
    assert.doesNotMatch(await ask(undefined), /let them run/)
    assert.equal((await told()).length, 2)
    await bench.file('cgpu.yaml', 'hooks:\n  execution:before: [{run: ./note.sh, timeout: 30}, {run: ./note.sh, timeout: 30}]\n')
    assert.match(await ask('n'), /are not run, as you did not agree/)
    assert.doesNotMatch(await ask(undefined), /let them run/)
    assert.deepEqual(await told(), [])
  })

  it('hold where the daemon would be quicker', async () => {
    await declare('  execution:after: {run: ./note.sh, timeout: 30}\n')
    bench.onRemove(() => bench.cli(['daemon', 'stop'], {env: {CGPU_DAEMON: 'on'}}))
    for (const _ of [1, 2]) {
      assert.equal((await bench.cli(['exec', '1'], {env: {CGPU_DAEMON: 'on'}})).status, 0)
      assert.equal((await told()).length, 1)
    }
  })
})
