import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {chmod, mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {cgpu, cgpuBin, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'

const installed = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

describe('completion', () => {
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

  const env = () => ({...home.env, PATH: `${path}:${home.env['PATH']}`})
  const answers = async (...words: string[]): Promise<string[]> => {
    const {status, stdout, stderr} = await cgpu(['__complete', ...words], {home})
    assert.deepEqual([status, stderr], [0, ''])
    return stdout.split('\n').filter(Boolean)
  }

  describe('the answers', () => {
    it('know the runtimes', async () => {
      assert.deepEqual(await answers('bash', 'runtime', 'show', 'tr'), ['trainer'])
      assert.deepEqual(await answers('fish', 'exec', '-r', ''), ['tester\tlocal, CPU', 'trainer\tlocal, CPU'])
      assert.deepEqual(await answers('zsh', 'cp', 'te'), [':files', ':nospace', 'tester:\tlocal, CPU'])
    })

    it('know settings, their values, providers, options and schemas', async () => {
      assert.deepEqual(await answers('bash', 'config', 'set', 'hi'), ['high-ram', 'history'])
      assert.deepEqual(await answers('bash', 'config', 'set', 'high-ram', ''), ['false', 'true'])
      assert.deepEqual(await answers('bash', 'runtime', 'create', '--provider', ''), ['colab', 'jupyter', 'local'])
      assert.deepEqual(await answers('bash', 'exec', '--output=nd'), ['--output=ndjson'])
      assert.deepEqual(await answers('bash', 'schema', 'runtime', 'l'), ['list'])
    })

    it('know the commands of plugins, bundled and linked', async () => {
      assert.ok((await answers('bash', 'plugins', 'ins')).includes('install'))
      await linkPlugin(home, [{name: 'cgpu-linked'}])
      await writeFile(join(home.path, 'plugins', 'cgpu-linked', 'oclif.manifest.json'), JSON.stringify({version: '1.0.0', commands: {sing: {summary: 'sing', flags: {loud: {type: 'boolean'}}, args: {}, aliases: []}}}))
      assert.deepEqual(await answers('bash', 'sing', '--l'), ['--loud'])
      await writeFile(join(home.dataDir, 'package.json'), '{broken')
      assert.deepEqual(await answers('bash', 'versio'), ['version'])
      await writeFile(join(home.dataDir, 'package.json'), '{}')
    })

    it('take a server that does not answer for no answer, within the budget', async () => {
      const started = performance.now()
      assert.deepEqual(await answers('bash', 'exec', '-r', 'trainer', '--kernel', ''), [])
      assert.deepEqual(await answers('bash', 'cp', 'trainer:'), [])
      assert.ok(performance.now() - started < 8000)
    })

    it('never fail, whatever is asked', async () => {
      for (const words of [[], ['bash'], ['nope', 'x'], ['bash', '\u0000'.slice(1)], ['bash', '--help'], ['bash', '--json', ''], ['fish', '--', '--', '']]) {
        const {status, stderr} = await cgpu(['__complete', ...words], {home})
        assert.deepEqual([status, stderr], [0, ''], words.join(' '))
      }
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
      ['cgpu runtime l', ['cgpu', 'runtime', 'l'], ['list']],
      ['cgpu runtime  show tr', ['cgpu', 'runtime', 'show', 'tr'], ['trainer']],
      ['cgpu exec --output=nd', ['cgpu', 'exec', '--output', '=', 'nd'], ['ndjson']],
      ['cgpu exec --output=', ['cgpu', 'exec', '--output', '='], ['json', 'ndjson', 'text']],
      ['cgpu exec --output ', ['cgpu', 'exec', '--output', ''], ['json', 'ndjson', 'text']],
      ['cgpu cp te', ['cgpu', 'cp', 'te'], ['tester:']],
      ['cgpu run tr', ['cgpu', 'run', 'tr'], ['train me.py']],
      ['cgpu run x.py --da', ['cgpu', 'run', 'x.py', '--da'], []],
      ['cgpu run x.py da', ['cgpu', 'run', 'x.py', 'da'], ['data']],
      ['cgpu run --cwd ', ['cgpu', 'run', '--cwd', ''], ['data']],
      ['cgpu config set "high-ram" t', ['cgpu', 'config', 'set', '"high-ram"', 't'], ['true']],
    ]
    for (const [line, words, expected] of cases) it(`answers TAB behind "${line}"`, () => assert.deepEqual(tab(line, words), expected))

    it('works where only COMP_WORDS is known', () => {
      const script = 'eval "$(cgpu completion bash)"\nCOMP_WORDS=(cgpu runtime sh)\nCOMP_CWORD=2\n_cgpu_complete\necho "${COMPREPLY[@]}"'
      assert.equal(spawnSync('bash', ['--norc', '-c', script], {env: env(), encoding: 'utf8'}).stdout, 'show\n')
    })
  })

  // zsh and fish are not on every machine: their part of the protocol is tested above, the shells where they are
  it('gives zsh and fish scripts that those shells take', async () => {
    for (const shell of ['zsh', 'fish']) {
      const {stdout} = await cgpu(['completion', shell], {home})
      assert.match(stdout, new RegExp(`cgpu __complete ${shell}`))
      if (!installed(shell)) continue
      const file = join(home.path, `script.${shell}`)
      await writeFile(file, stdout)
      const {status, stderr} = spawnSync(shell, ['-n', file], {env: env(), encoding: 'utf8'})
      assert.deepEqual([status, stderr], [0, ''])
    }
  })

  it('works in fish', async () => {
    const script = 'cgpu completion fish | source\ncomplete -C "cgpu runtime show tr"\ncomplete -C "cgpu exec --output=nd"'
    if (installed('fish')) assert.equal(spawnSync('fish', ['--no-config', '-c', script], {env: env(), cwd: home.cwd, encoding: 'utf8'}).stdout, 'trainer\tlocal, CPU\n--output=ndjson\n')
    else assert.deepEqual(await answers('fish', 'runtime', 'show', 'tr'), ['trainer\tlocal, CPU'])
  })

  it('works in zsh', async () => {
    // zsh completes only on a terminal of its own: zpty gives it one
    const script = [
      'zmodload zsh/zpty', 'zpty shell zsh -f -i', 'zpty -w shell "PS1=READY; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -D; cgpu completion zsh > \\$HOME/_cgpu; source \\$HOME/_cgpu; echo LOADED"',
      'zpty -r shell out "*LOADED*LOADED*"', 'zpty -w -n shell $\'cgpu runtime show tra\\t\'', 'zpty -r shell out "*show trainer*"', 'print -r -- "${out##*READY}"', 'zpty -d shell',
    ].join('\n')
    if (!installed('zsh')) {
      assert.deepEqual(await answers('zsh', 'runtime', 'show', 'tra'), ['trainer\tlocal, CPU'])
      return
    }
    const {stdout} = spawnSync('zsh', ['-f', '-c', script], {env: {...env(), TERM: 'xterm'}, cwd: home.cwd, encoding: 'utf8', timeout: 20_000})
    assert.match(stdout, /cgpu runtime show trainer/)
  })

  it('tells how to install it, the user\'s own shell first', async () => {
    const {stdout} = await cgpu(['completion'], {home, env: {SHELL: '/usr/bin/fish'}})
    assert.match(stdout, /^fish:\n +cgpu completion fish > /)
    for (const shell of ['bash', 'zsh']) assert.match(stdout, new RegExp(`^${shell}:$`, 'm'))
  })
})
