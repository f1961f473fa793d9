import assert from 'node:assert/strict'
import {existsSync} from 'node:fs'
import {chmod, mkdir, readFile, rm, writeFile} from 'node:fs/promises'
import {delimiter, join} from 'node:path'
import {cgpuBin} from '../helpers/cli.ts'
import {linkPlugin} from '../helpers/plugin.ts'
import {Screen} from '../helpers/screen.ts'
import {Terminal} from '../helpers/terminal.ts'
import {jupyterFor, until, type Workbench, workbench} from '../helpers/workbench.ts'

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Names that a hostile machine may give its files; `NN` is what somebody types of them. */
const hostile = [
  '$(touch pwned)', '`touch pwned`', ';touch pwned; (touch pwned) && touch pwned | #', '"; touch pwned; "', "'; touch pwned; '", '\\$(touch pwned)\\', '!! !touch', '*~{a,b}?[c]', '$HOME %TEMP% #x =ls ^a^b', 'ä  日本 🎈',
].map((name, i) => ({typed: String(i + 10), name: `${i + 10}${name}`}))
/** Names that no line can show. */
const unfit = ['90\u001b]0;evil\u0007', '91a\nb', '92\u202eevil', '93\tb']

const shells = [
  {shell: 'bash', args: ['-i'], startup: '.bashrc', text: "PS1='ready> '\nbind 'set bell-style none'\n"},
  {shell: 'zsh', args: ['-i'], startup: '.zshrc', text: "PS1='ready> '\nunsetopt beep\n"},
  {shell: 'fish', args: ['-i'], startup: '.config/fish/config.fish', text: "function fish_prompt\n  echo -n 'ready> '\nend\nset -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n"},
] as const

describe('Tab', function () {
  this.timeout(60_000)
  let bench: Workbench
  let path: string
  let typedFile: string

  before(async () => {
    bench = await workbench()
    const {home} = bench
    const server = await jupyterFor(bench)
    await mkdir(join(server.root, 'sub', 'h'), {recursive: true})
    for (const name of ['deep one.txt', 'plain.txt']) await writeFile(join(server.root, 'sub', name), '')
    for (const name of [...hostile.map((one) => one.name), ...unfit]) await writeFile(join(server.root, 'sub', 'h', name), '')
    const done = async (args: string[], input?: string): Promise<void> => {
      const {status, stderr} = await bench.cli(args, input === undefined ? {} : {input})
      assert.equal(status, 0, stderr)
    }
    await done(['runtime', 'add', server.url, '--token-stdin', '--name', 'there'], server.token)
    await done(['exec', '-r', 'there', '1'])
    await done(['schedule', 'create', 'nightly', '--every', '6h', '--', 'runtime', 'list'])
    await done(['secret', 'set', 'HF_TOKEN'], 'hf_1')
    await done(['config', 'set', 'gpu', 't4', '--profile', 'work'])
    await mkdir(join(home.dataDir, 'state', 'jobs'), {recursive: true})
    for (const id of ['0mibv1', '1mibv2']) {
      const job = {id, createdAt: '2026-01-01T00:00:00Z', runtime: {id: 'local-x', name: 'x', provider: 'local'}, releases: false, request: {command: ['sleep', '9']}, spec: {provider: 'local', settings: {}}, detached: true, outputDir: '/tmp'}
      await writeFile(join(home.dataDir, 'state', 'jobs', `${id}.json`), JSON.stringify({version: 1, job}))
    }
    await linkPlugin(home, [{name: 'cgpu-linked'}])
    // somebody's machine that is not there any more
    const there = JSON.parse(await readFile(join(home.dataDir, 'state', 'runtimes', (await bench.data<{id: string}>(['runtime', 'show', 'there'])).id + '.json'), 'utf8')) as {record: object}
    await writeFile(join(home.dataDir, 'state', 'runtimes', 'jupyter-gone.json'), JSON.stringify({...there, record: {...there.record, id: 'jupyter-gone', name: 'gone', providerId: 'gone'}}))
    await writeFile(join(home.cwd, 'my script.py'), '')
    // `cgpu` by its name: answers Tab itself, and writes down what else it is given
    path = join(home.path, 'bin')
    typedFile = join(home.path, 'typed')
    await mkdir(path)
    const script = `[ "$1" = __complete ] && exec ${quote(process.execPath)} ${quote(cgpuBin)} "$@"\nprintf '%s\\0' "$@" > ${quote(`${typedFile}.new`)} && mv ${quote(`${typedFile}.new`)} ${quote(typedFile)}\n`
    await writeFile(join(path, 'cgpu'), `#!/bin/sh\n${script}`)
    await chmod(join(path, 'cgpu'), 0o755)
  })
  after(() => bench.remove())

  for (const {shell, args, startup, text} of shells) {
    describe(`in ${shell}`, () => {
      let terminal: Terminal
      let screen: Screen
      before(async () => {
        const {home} = bench
        await mkdir(join(home.path, startup, '..'), {recursive: true})
        await writeFile(join(home.path, startup), text)
        const installed = await bench.cli(['completion', 'install', shell])
        assert.equal(installed.status, 0, installed.stderr)
        terminal = new Terminal(args, {home, program: shell, cols: 120, env: {PATH: [path, home.env['PATH']].join(delimiter), TERM: 'xterm', CGPU_COMPLETION_MS: '15000'}})
        screen = new Screen(terminal, {cols: 120})
        await screen.until((one) => one.cursor().line.startsWith('ready>'))
      })
      after(async () => {
        terminal.pty.kill('SIGKILL')
        await terminal.exit
      })
      afterEach(async () => {
        terminal.type('\x15') // the line is typed anew
        await screen.until((one) => one.cursor().line === 'ready>')
      })

      /** What `cgpu` is given after Tab and Enter behind this. */
      const accepted = async (typed: string, changes = true): Promise<string[]> => {
        await rm(typedFile, {force: true})
        terminal.type(typed)
        await screen.until((one) => one.cursor().line === `ready> ${typed}`)
        const {column} = screen.cursor()
        terminal.type('\t')
        if (changes) await screen.until((one) => one.cursor().column !== column)
        terminal.type('\r')
        await until(() => existsSync(typedFile), () => `nothing was run behind ${typed}\n${screen.lines().slice(-5).join('\n')}`)
        await screen.until((one) => one.cursor().line === 'ready>')
        return (await readFile(typedFile, 'utf8')).split('\0').slice(0, -1)
      }
      const shows = async (typed: string, line: string): Promise<void> => {
        terminal.type(`${typed}\t`)
        await screen.until((one) => one.cursor().line === `ready> ${line}`)
      }

      it('completes commands, flags and their values', async () => {
        await shows('cgpu runti', 'cgpu runtime')
        terminal.type('sho\t')
        await screen.until((one) => one.cursor().line === 'ready> cgpu runtime show')
        terminal.type('th\t')
        await screen.until((one) => one.cursor().line === 'ready> cgpu runtime show there')
        terminal.type('--js\t')
        await screen.until((one) => one.cursor().line === 'ready> cgpu runtime show there --json')
      })

      const cases: [what: string, typed: string, given: string[]][] = [
        ['a value behind =', 'cgpu exec --output=nd', ['exec', '--output=ndjson']],
        ['a short command', 'cgpu stop th', ['stop', 'there']],
        ['a schedule', 'cgpu schedule show ni', ['schedule', 'show', 'nightly']],
        ['a secret', 'cgpu run --secret HF', ['run', '--secret', 'HF_TOKEN']],
        ['a setting and its value', 'cgpu config set high-ram tr', ['config', 'set', 'high-ram', 'true']],
        ['a profile', 'cgpu config set --profile wo', ['config', 'set', '--profile', 'work']],
        ['a job', 'cgpu job cancel 0m', ['job', 'cancel', '0mibv1']],
        ['a plugin', 'cgpu plugins inspect cgpu-l', ['plugins', 'inspect', 'cgpu-linked']],
        ['a kernel', 'cgpu kernel show -r there def', ['kernel', 'show', '-r', 'there', 'default']],
        ['a kernelspec', 'cgpu kernel start -r there --spec pyth', ['kernel', 'start', '-r', 'there', '--spec', 'python3']],
        ['a folder on a machine', 'cgpu fs ls there:su', ['fs', 'ls', 'there:sub/']],
        ['a file with a space there', 'cgpu fs cat there:sub/de', ['fs', 'cat', 'there:sub/deep one.txt']],
        ['a file with a space here', 'cgpu run my', ['run', 'my script.py']],
        ['a runtime behind a variable and quotes', "X=1 cgpu 'runtime' show th", ['runtime', 'show', 'there']],
        ['nothing where there is nothing', 'cgpu runtime show zzz', ['runtime', 'show', 'zzz']],
        ['nothing behind --', 'cgpu run -- m', ['run', '--', 'm']],
        ['nothing of a machine that is gone', 'cgpu fs cat gone:su', ['fs', 'cat', 'gone:su']],
      ]
      for (const [what, typed, given] of cases) it(`completes ${what}`, async () => assert.deepEqual(await accepted(typed, !what.startsWith('nothing')), given))

      it('lists what is possible, with what it means where the shell shows that', async () => {
        terminal.type(shell === 'bash' ? 'cgpu runtime re\t\t' : 'cgpu runtime re\t')
        await screen.until((one) => ['reap', 'release', 'rename'].every((name) => one.lines().slice(-10).join('\n').includes(name)))
        if (shell !== 'bash') assert.match(screen.lines().join('\n'), /release runtimes/)
      })

      it('lists jobs, with what they run where the shell shows that', async () => {
        terminal.type(shell === 'bash' ? 'cgpu job show \t\t' : 'cgpu job show \t')
        const shown = shell === 'bash' ? ['0mibv1', '1mibv2'] : ['0mibv1', '1mibv2', 'started: sleep 9']
        await screen.until((one) => shown.every((text) => one.lines().slice(-10).join('\n').includes(text)))
      })

      it('types one word, just the name, whatever a machine calls its files', async () => {
        for (const {typed, name} of hostile) assert.deepEqual(await accepted(`cgpu fs cat there:sub/h/${typed}`), ['fs', 'cat', `there:sub/h/${name}`])
        for (const open of ['"', "'"]) {
          const {name} = hostile[0]!
          assert.deepEqual(await accepted(`cgpu fs cat ${open}there:sub/h/10`), ['fs', 'cat', `there:sub/h/${name}`], open)
        }
        assert.ok(!existsSync(join(bench.home.cwd, 'pwned')))
        assert.deepEqual(await accepted('cgpu fs cat there:sub/h/9', false), ['fs', 'cat', 'there:sub/h/9'])
        assert.doesNotMatch(terminal.output, /evil/)
      })
    })
  }
})
