import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {ExitCode} from '@cgpu/core/errors'
import {cgpu, cgpuBin, envelope, repoRoot, sealedHome, type CliResult, type SealedHome} from '../helpers/cli.ts'

const escape = /\u001b/

describe('the shell', () => {
  let home: SealedHome
  before(async () => {
    home = await sealedHome()
  })
  after(() => home.remove())
  const run = (...args: string[]): Promise<CliResult> => cgpu(args, {home})

  describe('--version', () => {
    it('prints one line, by each of its spellings', async () => {
      const {version} = JSON.parse(await readFile(join(repoRoot, 'package.json'), 'utf8')) as {version: string} // our own file
      for (const flag of ['--version', '-V']) {
        const result = await run(flag)
        assert.deepEqual([result.status, result.stderr], [0, ''])
        assert.equal(result.stdout, `cgpu ${version} ${process.platform}-${process.arch} node-${process.version}\n`)
      }
      assert.equal((await run('version')).stdout, (await run('--version')).stdout)
    })

    it('tells with --verbose what a bug report needs', async () => {
      const {stdout} = await run('version', '--verbose')
      for (const line of [/^node +\d/m, /^configDir +\//m, /^plugin +@oclif\/plugin-which /m]) assert.match(stdout, line)
    })
  })

  // what the short way (no plugins loaded) and oclif's own give must be the same, to the byte
  describe('the short way', () => {
    const lines: string[][] = [
      ['runtime', 'list'], ['ps', '--json'], ['ps', '-q'], ['config', 'list', '--json'], ['config', 'get', 'provider'], ['config', 'get', 'nope', '--json'],
      ['config', 'path'], ['ps', '--foo'], ['ps', '--foo', '--json'], ['ps', 'x'], ['ps', 'x', '--json'], ['runtime', 'show', 'x', '--json'], ['runtime', 'show', ''],
      ['run'], ['run', '--gup', 't4', 'x.py'], ['run', 'missing.py', '--help'], ['run', 'missing.py', '--json'], ['run', '--json', 'missing.py'],
      ['exec'], ['exec', '--output', 'xml', '1'], ['exec', '--output'], ['runtime', 'add'], ['runtime', 'add', 'not a url'], ['schema', 'ps'], ['schema', 'error'],
      ['completion', 'tcsh'], ['completion', 'bash'], ['help'], ['runtime'], ['runtime', '--help'], ['run', '--help'], ['run', '-h', 'x.py'], ['nope'], ['version', '--json'],
    ]
    for (const args of lines) {
      it(`gives for "${args.join(' ')}" what the long way gives`, async () => {
        const [short, long] = await Promise.all([cgpu(args, {home}), cgpu(args, {home, env: {CGPU_NO_FASTPATH: '1'}})])
        assert.deepEqual({...short, bytes: null}, {...long, bytes: null})
        assert.doesNotMatch(short.stdout + short.stderr, escape)
      })
    }
  })

  describe('what is typed wrongly', () => {
    const cases: [args: string[], status: number, message: RegExp, fix: RegExp][] = [
      [['verson'], 127, /"verson" is not a command of cgpu/, /did you mean "cgpu version"\?/],
      [['runtime', 'lst'], 127, /"runtime lst" is not a command/, /did you mean "cgpu runtime list"\?/],
      [['qqqqqqqq'], 127, /is not a command/, /see cgpu --help/],
      [['qqqqqqqq', '--help'], 127, /is not a command/, /see cgpu --help/],
      [['help', 'verson'], 127, /"verson" is not a command/, /did you mean "cgpu version"\?/],
      [['usage', 'x'], 64, /cgpu usage takes no argument "x"/, /see cgpu usage --help/],
      [['ps', '--jsn'], 64, /unknown flag --jsn/, /did you mean --json\?/],
      [['run', '--gup', 't4', 'x.py'], 64, /unknown flag --gup/, /did you mean --gpu\?/],
      [['plugins', '--jsn'], 64, /unknown flag --jsn/, /did you mean --json\?/],
      [['config', 'get'], 64, /missing: KEY/, /see cgpu config get --help/],
      [['exec', '--output', 'xml', '1'], 64, /expected --output=xml to be one of: text, json, ndjson/, /see cgpu exec --help/],
      [['completion', 'tcsh'], 64, /expected tcsh to be one of: bash, zsh, fish, powershell/, /see cgpu completion --help/],
    ]
    for (const [args, status, message, fix] of cases) {
      it(`"${args.join(' ')}" ends with ${status} and says what to type`, async () => {
        const result = await run(...args)
        assert.equal(result.status, status)
        assert.equal(result.stdout, '')
        const [first = '', second = '', ...rest] = result.stderr.trimEnd().split('\n')
        assert.match(first, new RegExp(`^error: .*${message.source}`))
        assert.match(second, new RegExp(`^fix: .*${fix.source}`))
        assert.deepEqual(rest, [])

        const json = envelope(await run(...args, '--json'))
        assert.deepEqual(Object.keys(json), ['schema', 'ok', 'command', 'error', 'warnings'])
        assert.equal(json.ok, false)
        assert.match(json.error.message, message)
        assert.match(json.error.code, /^[A-Z][A-Z0-9_]*$/)
      })
    }

    it('never reaches the terminal as it is', async () => {
      for (const args of [['\u001b]0;x\u0007'], ['runtime', 'show', '\u001b[2J\r\u009b'], ['ps', '--\u001b[2J'], ['config', 'get', '\u202egpu']]) {
        const {status, stdout, stderr} = await run(...args)
        assert.ok([64, 66, 127].includes(status ?? 0), String(status))
        assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      }
    })

    it('may be huge', async () => {
      const huge = 'x'.repeat(100_000)
      for (const args of [[huge], ['runtime', 'show', huge], ['ps', `--${huge}`], ['config', 'set', 'gpu', huge]]) {
        const {status, stderr} = await run(...args)
        assert.ok([64, 66, 127].includes(status ?? 0), String(status))
        assert.ok(stderr.length < 2000, `${stderr.length} characters`)
      }
    })
  })

  describe('--json', () => {
    it('prints one line with the command, its data and the warnings', async () => {
      const json = envelope(await run('ps', '--json'))
      assert.deepEqual(json, {schema: 1, ok: true, command: 'runtime:list', data: [], warnings: []})
    })

    it('works by its variable too, and can be taken back by none', async () => {
      assert.equal(envelope(await cgpu(['ps', '--nope'], {home, env: {CGPU_JSON: '1'}})).ok, false)
      assert.match((await cgpu(['ps', '--nope'], {home, env: {CGPU_JSON: '0'}})).stderr, /^error: /)
    })

    it('behind the script belongs to the script', async () => {
      const result = await run('run', 'missing.py', '--json')
      assert.equal(result.stdout, '')
      assert.match(result.stderr, /^error: /)
    })
  })

  it('is quiet when its reader leaves', function () {
    const [shell] = ['/bin/bash', '/usr/bin/bash'].filter((path) => spawnSync(path, ['-c', ':']).status === 0)
    assert.ok(shell, 'bash is needed')
    for (const args of ['--help', 'help run', 'schema run', 'config list']) {
      const {stdout, stderr}: {stdout: string; stderr: string} = spawnSync(shell, ['-c', `"$0" "$1" ${args} | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, cgpuBin], {env: home.env, cwd: home.cwd, encoding: 'utf8'})
      assert.deepEqual([stdout.trim().split('\n').at(-1), stderr], ['0', ''], args)
    }
  })

  it('writes no escape bytes where nobody wants them', async () => {
    for (const env of [{NO_COLOR: '1'}, {TERM: 'dumb', NO_COLOR: ''}, {CI: 'true', NO_COLOR: '', GITHUB_ACTIONS: 'true'}, {NO_COLOR: ''}]) {
      for (const args of [['--help'], ['run', '--help'], ['nope'], ['plugins'], ['config', 'list']]) {
        const {stdout, stderr}: CliResult = await cgpu(args, {home, env: {...env, CGPU_NO_FASTPATH: '1'}})
        assert.doesNotMatch(stdout + stderr, escape, `${args.join(' ')} with ${JSON.stringify(env)}`)
      }
    }
  }).timeout(90_000)

  describe('help', () => {
    it('begins with the commands that people need first', async () => {
      const {status, stdout} = await run('--help')
      assert.equal(status, 0)
      assert.match(stdout, /START HERE\n +run +run a script or command/)
      assert.equal((await run('help')).stdout, stdout)
      assert.equal((await run()).stdout, stdout)
    })

    it('of a topic has its commands and examples', async () => {
      const {stdout} = await run('runtime', '--help')
      assert.match(stdout, /COMMANDS\n +runtime accelerators +list accelerators/)
      assert.match(stdout, /EXAMPLES\n +\$ cgpu runtime /)
      assert.equal((await run('runtime')).stdout, stdout)
    })

    it('explains every exit status', async () => {
      const {stdout} = await run('help', 'exit-codes')
      for (const status of [...Object.values(ExitCode), '1-63', '128\\+n']) assert.match(stdout, new RegExp(`^${status} `, 'm'))
      assert.equal(envelope<{exitCodes: unknown[]}>(await run('help', 'exit-codes', '--json')).data.exitCodes.length, Object.keys(ExitCode).length + 2)
    })

    it('is there for the commands of every topic, with examples and exit statuses', async () => {
      const manifest = JSON.parse(await readFile(join(repoRoot, 'oclif.manifest.json'), 'utf8')) as {commands: Record<string, {hidden?: boolean}>} // ours
      const ids = Object.entries(manifest.commands).filter(([id, {hidden}]) => !hidden && id !== 'help').map(([id]) => id)
      const topics = Object.groupBy(ids, (id) => id.split(':')[0] ?? '')
      // one class writes the help of all: the first and the last of each topic stand for the rest, of which docs/commands.md is made
      const lines = Object.values(topics).flatMap((all = []) => [...new Set([all.at(0) ?? '', all.at(-1) ?? ''])]).map((id) => [...id.split(':'), '--help'])
      // the long way in one process: sixty starts of it were a third of this suite's time
      const main = ['--disable-warning=MaxListenersExceededWarning', join(repoRoot, 'test/helpers/cli-lines-main.mjs')]
      const child = spawnSync(process.execPath, main, {cwd: home.cwd, env: home.env, input: JSON.stringify(lines), encoding: 'utf8'})
      assert.deepEqual([child.status, child.stderr], [0, lines.map((line) => `$ cgpu ${line.join(' ')}\n`).join('')])
      const helps = child.stdout.split(/^(?=USAGE$)/m).slice(1)
      assert.equal(helps.length, lines.length)
      for (const [index, help] of helps.entries()) {
        const words = lines[index]?.slice(0, -1) ?? []
        const command = words.join(' ')
        assert.ok(help.startsWith(`USAGE\n  $ cgpu ${command}`), `${command}: ${help}`)
        for (const section of ['GLOBAL FLAGS', 'EXAMPLES', 'EXIT STATUS']) assert.match(help, new RegExp(`^${section}$`, 'm'), `${command} lacks ${section}`)
      }
    }).timeout(120_000)
  })
})
