import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {chmod, mkdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {assertRefused} from '../helpers/workbench.ts'
import {cgpu, cgpuBin, envelope, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

describe('completion', function () {
  this.timeout(60_000)
  let home: SealedHome
  let path: string
  before(async () => {
    home = await sealedHome()
    // the shells call `cgpu` by its name
    path = join(home.path, 'bin')
    await mkdir(path)
    await writeFile(join(path, 'cgpu'), `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(cgpuBin)} "$@"\n`)
    await chmod(join(path, 'cgpu'), 0o755)
    const state = join(home.dataDir, 'state', 'runtimes')
    await mkdir(state, {recursive: true})
    for (const name of ['trainer', 'tester']) {
      const record = {
        version: 1, id: `local-${name}`, name, provider: 'local', providerId: name, origin: 'created', ephemeral: false, requested: {kind: 'cpu'},
        accelerator: {id: 'cpu', kind: 'cpu', name: 'CPU', available: true}, endpointUrl: 'http://127.0.0.1:9/', createdAt: '2026-01-01T00:00:00Z', kernels: {},
      }
      await writeFile(join(state, `local-${name}.json`), JSON.stringify({version: 1, record}))
    }
    await mkdir(join(home.cwd, 'data'))
    await writeFile(join(home.cwd, 'train me.py'), '')
  })
  after(() => home.remove())

  const env = () => ({...home.env, CGPU_COMPLETION_MS: '10000', PATH: `${path}:${home.env['PATH']}`})
  /** The lines that the script of zsh gets: what it is to do, then the candidates. */
  const lines = async (...words: string[]): Promise<string[]> => {
    const {status, stdout, stderr} = await cgpu(['__complete', 'zsh', ...words], {home, env: {CGPU_COMPLETION_MS: '10000'}})
    assert.deepEqual([status, stderr, stdout.at(-1)], [0, '', '\n'])
    return stdout.split('\n').slice(0, -1)
  }
  const answers = async (...words: string[]): Promise<string[]> => (await lines(...words)).slice(1).map((line) => line.split('\t')[0]!)

  describe('the answers', () => {
    it('know the runtimes', async () => {
      assert.deepEqual(await lines('runtime', 'show', 'tr'), ['', 'trainer\tlocal, CPU'])
      assert.deepEqual(await answers('exec', '-r', ''), ['tester', 'trainer'])
      assert.deepEqual(await lines('cp', 'te'), ['nospace', 'tester:\tlocal, CPU'])
      assert.deepEqual(await lines('cp', 'x'), ['files'])
      assert.deepEqual(await lines('run', '--cwd', ''), ['dirs'])
    })

    it('know settings, their values, providers, options and schemas', async () => {
      assert.deepEqual(await answers('config', 'set', 'hi'), ['high-ram', 'history'])
      assert.deepEqual(await answers('config', 'set', 'high-ram', ''), ['false', 'true'])
      assert.deepEqual(await answers('config', 'set', 'runtime', 'te'), ['tester'])
      assert.deepEqual(await answers('runtime', 'create', '--provider', ''), ['colab', 'jupyter', 'local'])
      assert.deepEqual(await answers('exec', '--output=nd'), ['--output=ndjson'])
      assert.deepEqual(await answers('schema', 'runtime', 'l'), ['list'])
      assert.deepEqual(await answers('schedule', 'create', '--timezone', 'Europe/Ber'), ['Europe/Berlin'])
    })

    it('know what is kept here: jobs, the history, forwarded ports, profiles, secrets, accounts', async () => {
      const keep = async (folder: string, name: string, content: object): Promise<void> => {
        await mkdir(join(home.dataDir, 'state', folder), {recursive: true})
        await writeFile(join(home.dataDir, 'state', folder, name), `${JSON.stringify(content)}\n`)
      }
      for (const [id, state] of [['0mibv1', 'exited'], ['0mibv2', 'running']] as const) {
        const seen = {at: '2026-01-01T00:00:00Z', state, exitStatus: null, signal: null, startedAt: null, endedAt: null, stdoutBytes: 0, stderrBytes: 0}
        const job = {id, createdAt: '2026-01-01T00:00:00Z', runtime: {id: 'local-trainer', name: 'trainer', provider: 'local'}, releases: false, request: {command: ['sleep', '\u001b[2J']}, spec: {provider: 'local', settings: {}}, detached: true, outputDir: '/tmp', seen}
        await keep('jobs', `${id}.json`, {version: 1, job})
      }
      assert.deepEqual(await lines('logs', '0'), ['', '0mibv1\texited: sleep \\x1b[2J', '0mibv2\trunning: sleep \\x1b[2J'])
      assert.deepEqual(await answers('job', 'cancel', ''), ['0mibv2'])
      await keep('ports', 'f1.json', {version: 1, id: 'f1', runtime: 'trainer', process: {pid: process.pid, host: 'elsewhere'}, createdAt: '2126-01-01T00:00:00Z', background: true, state: 'open', forwards: [{local: {address: '127.0.0.1', port: 6006}, remote: {host: '127.0.0.1', port: 6006}}]})
      const forwards = await cgpu(['port', 'list', '--json'], {home})
      assert.deepEqual(await answers('port', 'close', ''), envelope<{id: string}[]>(forwards).data.map(({id}) => id))
      assert.equal((await cgpu(['config', 'set', 'gpu', 't4', '--profile', 'work'], {home})).status, 0)
      assert.deepEqual(await answers('config', 'set', '--profile', ''), ['work'])
      assert.equal((await cgpu(['secret', 'set', 'HF_TOKEN'], {home, input: 'hf_1'})).status, 0)
      assert.deepEqual(await answers('secret', 'delete', ''), ['HF_TOKEN'])
      assert.deepEqual(await answers('auth', 'switch', ''), [])
      assert.deepEqual(await answers('history', 'show', ''), [])
    })

    it('know accelerators, and ask a provider once only', async () => {
      const first = await answers('run', '--gpu', '')
      const kept = JSON.parse(await readFile(join(home.cacheDir, 'completion', 'accelerators-local.json'), 'utf8')) as {known: object[]; at: number}
      await writeFile(join(home.cacheDir, 'completion', 'accelerators-local.json'), JSON.stringify({...kept, known: [...kept.known, {id: 'h200', kind: 'gpu', name: 'NVIDIA H200'}]}))
      assert.deepEqual(await answers('run', '--gpu', ''), [...first, 'h200'].sort())
      await writeFile(join(home.cacheDir, 'completion', 'accelerators-local.json'), '{broken')
      assert.deepEqual(await answers('run', '--gpu', ''), first)
    })

    it('know the commands of plugins, bundled and linked, as soon as they are there', async () => {
      assert.ok((await answers('emulator', 'sta')).includes('start'))
      await linkPlugin(home, [{name: 'cgpu-linked'}])
      assert.deepEqual(await answers('sing', '--l'), [])
      await writeFile(join(home.path, 'plugins', 'cgpu-linked', 'oclif.manifest.json'), JSON.stringify({version: '1.0.0', commands: {sing: {summary: 'sing', flags: {loud: {type: 'boolean'}}, args: {}, aliases: []}}}))
      assert.deepEqual(await answers('sing', '--l'), ['--loud'])
      assert.deepEqual(await answers('plugins', 'uninstall', ''), ['cgpu-linked'])
      await writeFile(join(home.dataDir, 'package.json'), '{broken')
      assert.deepEqual(await answers('versio'), ['version'])
      await writeFile(join(home.dataDir, 'package.json'), '{}')
      assert.deepEqual(await answers('sing', '--l'), [])
    })

    it('take a server that does not answer for no answer, within the budget', async () => {
      const started = performance.now()
      assert.deepEqual(await answers('exec', '-r', 'trainer', '--kernel', ''), [])
      assert.deepEqual(await answers('cp', 'trainer:'), [])
      assert.ok(performance.now() - started < 40_000)
    })

    it('never fail, whatever is asked', async () => {
      for (const words of [[], ['bash'], ['nope', 'x'], ['bash', '', 'cgpu "'], ['bash', '--help'], ['bash', '--json', ''], ['fish', '--', '--', ''], ['powershell', '%%%']]) {
        const {status, stderr} = await cgpu(['__complete', ...words], {home})
        assert.deepEqual([status, stderr], [0, ''], words.join(' '))
      }
    })

    it('of PowerShell come quoted, with what is shown beside what is typed', async () => {
      const ask = async (...words: string[]): Promise<string> => (await cgpu(['__complete', 'powershell', Buffer.from(words.join('\n')).toString('base64')], {home, env: {CGPU_COMPLETION_MS: '10000'}})).stdout
      assert.equal(await ask('runtime', 'show', 'tr'), '\ntrainer\ttrainer\tlocal, CPU\n')
      await writeFile(join(home.cwd, "it's $(x).py"), '')
      await writeFile(join(home.cwd, 'train.py'), '')
      assert.match(await ask('cp', 't'), /^nospace\ntester:\ttester:\tlocal, CPU\n'train me\.py'\ttrain me\.py\ntrain\.py\ttrain\.py\n/)
      assert.equal(await ask('exec', '--output=n'), '\n--output=ndjson\t--output=ndjson\n')
    })
  })

  describe('bash', () => {
    /** What TAB gives behind `line`: as bash does, with its words cut at COMP_WORDBREAKS. */
    function tab(line: string, words: string[]): string[] {
      const script = [
        'eval "$(cgpu completion bash)"', `COMP_WORDS=(${words.map(quote).join(' ')})`, `COMP_CWORD=${words.length - 1}`, `COMP_LINE=${quote(line)}`, `COMP_POINT=${line.length}`,
        '_cgpu_complete', 'printf "%s\\n" "${COMPREPLY[@]}"',
      ].join('\n')
      const {status, stdout, stderr} = spawnSync('bash', ['--norc', '-c', script], {env: env(), cwd: home.cwd, encoding: 'utf8'})
      assert.deepEqual([status, stderr], [0, ''])
      return stdout.split('\n').filter(Boolean)
    }

    const cases: [line: string, words: string[], expected: string[]][] = [
      ['cgpu ru', ['cgpu', 'ru'], ['run', 'runtime']],
      ['cgpu runtime  show tr', ['cgpu', 'runtime', 'show', 'tr'], ['trainer']],
      ['cgpu exec --output=nd', ['cgpu', 'exec', '--output', '=', 'nd'], ['ndjson']],
      ['cgpu exec --output=', ['cgpu', 'exec', '--output', '='], ['json', 'ndjson', 'text']],
      ['cgpu exec --output ', ['cgpu', 'exec', '--output', ''], ['json', 'ndjson', 'text']],
      ['cgpu cp te', ['cgpu', 'cp', 'te'], ['tester:']],
      ['cgpu cp trai', ['cgpu', 'cp', 'trai'], ['train\\ me.py', 'train.py', 'trainer:']],
      ['cgpu cp "trai', ['cgpu', 'cp', '"trai'], ['train me.py', 'train.py', 'trainer:']],
      ['cgpu run x.py --da', ['cgpu', 'run', 'x.py', '--da'], []],
      ['cgpu config set "high-ram" t', ['cgpu', 'config', 'set', '"high-ram"', 't'], ['true']],
    ]
    for (const [line, words, expected] of cases) it(`answers TAB behind "${line}"`, () => assert.deepEqual(tab(line, words), expected))

    it('works where only COMP_WORDS is known', () => {
      const script = 'eval "$(cgpu completion bash)"\nCOMP_WORDS=(cgpu runtime sh)\nCOMP_CWORD=2\n_cgpu_complete\necho "${COMPREPLY[@]}"'
      assert.equal(spawnSync('bash', ['--norc', '-c', script], {env: env(), encoding: 'utf8'}).stdout, 'show\n')
    })
  })

  it('tells how to set it up, for the user\'s own shell', async () => {
    assert.match((await cgpu(['completion'], {home, env: {SHELL: '/usr/bin/fish'}})).stdout, /^cgpu completion install fish\n/)
    assert.equal(envelope<{script: string}>(await cgpu(['completion', 'zsh', '--json'], {home})).data.script, (await cgpu(['completion', 'zsh'], {home})).stdout)
  })

  describe('install', () => {
    let other: SealedHome
    before(async () => {
      other = await sealedHome()
    })
    after(() => other.remove())
    const change = async (args: string[], env: Record<string, string> = {}): Promise<[path: string, change: string][]> => {
      const result = envelope<{changes: {path: string; change: string}[]}>(await cgpu(['completion', ...args, '--json'], {home: other, env}))
      assert.ok(result.ok, JSON.stringify(result))
      return result.data.changes.map((one) => [one.path.replace(`${other.path}/`, ''), one.change])
    }
    const read = (name: string): Promise<string> => readFile(join(other.path, name), 'utf8')

    it('says what it would do, does it once, and undoes it', async () => {
      await writeFile(join(other.path, '.zshrc'), 'PS1=x', {mode: 0o640})
      const script = 'data/state/completion/cgpu.zsh'
      assert.deepEqual(await change(['install', 'zsh', '--dry-run']), [[script, 'created'], ['.zshrc', 'updated']])
      assert.deepEqual([existsSync(join(other.path, script)), await read('.zshrc')], [false, 'PS1=x'])
      assert.deepEqual(await change(['install'], {SHELL: '/bin/zsh'}), [[script, 'created'], ['.zshrc', 'updated']])
      const done = await read('.zshrc')
      assert.match(done, /^PS1=x\n\n# >>> cgpu completion >>>\n\[ -r '.*\/cgpu\.zsh' \] && \. '.*\/cgpu\.zsh'\n# <<< cgpu completion <<<\n$/)
      await writeFile(join(other.path, '.zshrc'), `${done}alias ll=ls\n`)
      await writeFile(join(other.path, script), '# of an older cgpu')
      assert.deepEqual(await change(['install', 'zsh']), [[script, 'updated'], ['.zshrc', 'unchanged']])
      assert.deepEqual(await change(['install', 'zsh']), [[script, 'unchanged'], ['.zshrc', 'unchanged']])
      assert.deepEqual(await change(['uninstall', 'zsh', '--dry-run']), [[script, 'removed'], ['.zshrc', 'updated']])
      assert.deepEqual(await change(['uninstall', 'zsh']), [[script, 'removed'], ['.zshrc', 'updated']])
      assert.deepEqual([await read('.zshrc'), existsSync(join(other.path, script))], ['PS1=x\nalias ll=ls\n', false])
      assert.deepEqual(await change(['uninstall', 'zsh']), [[script, 'unchanged'], ['.zshrc', 'unchanged']])
    })

    it('writes through a link, and where no file was', async () => {
      await writeFile(join(other.path, 'dotfiles'), '')
      await symlink('dotfiles', join(other.path, '.bashrc'))
      await change(['install', 'bash'])
      assert.match(await read('dotfiles'), /^# >>> cgpu completion >>>/)
      assert.deepEqual(await change(['install', 'fish']), [['.config/fish/completions/cgpu.fish', 'created']])
      assert.deepEqual(await change(['uninstall', 'fish']), [['.config/fish/completions/cgpu.fish', 'removed']])
    })

    it('asks PowerShell where its profile is', async () => {
      const bin = join(other.path, 'bin')
      await mkdir(bin)
      assertRefused(await cgpu(['completion', 'install', 'powershell'], {home: other, env: {PATH: bin}}), 66)
      await writeFile(join(bin, 'pwsh'), `#!/bin/sh\necho ${quote(join(other.path, 'documents', 'profile.ps1'))}\n`, {mode: 0o755})
      assert.deepEqual(await change(['install', 'powershell'], {PATH: bin}), [['data/state/completion/cgpu.ps1', 'created'], ['documents/profile.ps1', 'created']])
      assert.match(await read('documents/profile.ps1'), /if \(Test-Path -LiteralPath '.*cgpu\.ps1'\) \{ \. '.*cgpu\.ps1' \}/)
    })

    it('needs to know the shell', async () => {
      assertRefused(await cgpu(['completion', 'install'], {home: other, env: {SHELL: '/bin/tcsh'}}), 64)
      await mkdir(join(other.path, 'taken'))
      assertRefused(await cgpu(['completion', 'install', 'zsh'], {home: other, env: {ZDOTDIR: join(other.path, 'dotfiles')}}), 73)
    })
  })
})
