// One long scenario with secrets that are like no other text, then a search of everything that it left for each of them.
import assert from 'node:assert/strict'
import {randomBytes} from 'node:crypto'
import {readdirSync, readFileSync} from 'node:fs'
import {readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {join, relative} from 'node:path'
import type {ScenarioInput} from '@cgpu/emulator'
import {agreeingBrowser} from '../helpers/agreeing-browser.ts'
import type {CliResult} from '../helpers/cli.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {Watched} from '../helpers/watched.ts'

/** With what URLs, JSON and shells write otherwise. */
const canary = (name: string): string => `canary ${name}/"ü\\=%7+${randomBytes(12).toString('hex')}`

/** The ways in which text may be written; base64 has three, by where in its groups of three bytes the text begins. */
function spellings(secret: string): string[] {
  const shifted = [0, 1, 2].map((shift) => {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)])
    // without what its neighbours have a part in
    return bytes.subarray(0, bytes.length - (bytes.length % 3)).toString('base64').slice(shift === 0 ? 0 : 4)
  })
  const json = JSON.stringify(secret).slice(1, -1)
  const ascii = json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [...new Set([
    secret, encodeURIComponent(secret), new URLSearchParams({x: secret}).toString().slice(2), json, ascii, JSON.stringify(json).slice(1, -1),
    Buffer.from(secret).toString('hex'), ...shifted, ...shifted.map((one) => one.replaceAll('+', '-').replaceAll('/', '_')),
  ])]
}

/** Which of the secrets the text holds, in whatever spelling. */
class Searcher {
  readonly #needles: {name: string; spelling: Buffer}[]

  constructor(secrets: Record<string, string>) {
    this.#needles = Object.entries(secrets).flatMap(([name, secret]) => spellings(secret).map((spelling) => ({name, spelling: Buffer.from(spelling)})))
  }

  in(text: string | Buffer): string[] {
    const bytes = Buffer.from(text)
    return [...new Set(this.#needles.filter(({spelling}) => bytes.includes(spelling)).map(({name}) => name))]
  }

  /** Files below a folder that hold one, as `path: names`. */
  async below(folder: string): Promise<{path: string; names: string[]}[]> {
    const files = (await readdir(folder, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile()).map(({parentPath, name}) => join(parentPath, name))
    const found = await Promise.all(files.map(async (path) => ({path: relative(folder, path), names: this.in(Buffer.concat([await readFile(path).catch(() => Buffer.alloc(0)), Buffer.from(path)]))})))
    return found.filter(({names}) => names.length > 0)
  }
}

interface Process {
  pid: number
  argv: string
  environ: string
}

/** What all processes were seen with, each once. */
class Processes {
  readonly seen = new Map<string, Process>()
  readonly #timer = setInterval(() => this.#look(), 100)

  #look(): void {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) continue
      try {
        const [argv, environ] = [readFileSync(`/proc/${name}/cmdline`, 'utf8'), readFileSync(`/proc/${name}/environ`, 'utf8')]
        this.seen.set(`${name} ${argv} ${environ.length}`, {pid: Number(name), argv, environ})
      } catch {
        // it has ended
      }
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

describe('secrets over a whole scenario', function () {
  this.timeout(120_000)
  let bench: ColabBench
  let processes: Processes
  const told: {what: string; text: string}[] = []
  const own = {'client secret': canary('client').replaceAll(' ', '_').replace('ü', 'u'), 'user secret': canary('user'), 'env-file value': canary('file'), 'wrong token': `wrong-canary-${randomBytes(12).toString('hex')}`}
  const issued = new Map<string, string>()
  /** when work had been done there */
  let onMachine: unknown

  before(async () => {
    const scenario: ScenarioInput = {
      world: {rotateRefreshTokens: true, clients: [{id: 'canary-client', secret: own['client secret'], type: 'native'}]},
    }
    bench = await colabBench(scenario)
    delete bench.home.env['CGPU_TOKEN']
    Object.assign(bench.home.env, {BROWSER: await agreeingBrowser(bench.home.path), CGPU_KEYRING: 'off'})
    // the emulator says which tokens it gave: whoever used one sent it
    bench.emulator.log.onEnd(({headers, body = ''}) => collect(JSON.stringify(headers) + body))
    processes = new Processes()
  })
  after(async () => {
    processes?.stop()
    await bench?.remove()
  })

  function collect(text: string): void {
    for (const [token, kind = ''] of text.matchAll(/emu-(access|refresh|proxy)-[0-9a-f]{20,}/g)) issued.set(token, kind)
  }

  const keep = (what: string, {stdout, stderr}: {stdout: string; stderr: string}): void => void told.push({what, text: `${stdout}\n${stderr}`})
  const cgpu = async (args: readonly string[], status: number | null, options: Parameters<ColabBench['cli']>[1] = {}): Promise<CliResult> => {
    const result = await bench.cli(args, options)
    keep(args.join(' '), result)
    if (status !== null) assert.equal(result.status, status, `${args.join(' ')}\n${result.stdout}\n${result.stderr}`)
    // tokens that were kept and not used yet
    for (const name of await readdir(bench.home.path, {recursive: true})) if (name.endsWith('.json')) collect(await readFile(join(bench.home.path, name), 'utf8').catch(() => ''))
    return result
  }

  it('begins with a sign-in, a machine and cells', async () => {
    const client = {installed: {
      client_id: 'canary-client', client_secret: own['client secret'], auth_uri: `${bench.emulator.url}/o/oauth2/v2/auth`, token_uri: `${bench.emulator.url}/token`, redirect_uris: ['http://127.0.0.1'],
    }}
    await writeFile(join(bench.home.cwd, 'client.json'), JSON.stringify(client), {mode: 0o600})
    await writeFile(join(bench.home.cwd, 'token.env'), `FILE_VALUE='${own['env-file value']}'\n`)
    await cgpu(['auth', 'login', '--client-config', 'client.json', '--verbose'], 0)
    await cgpu(['auth', 'status', '--json'], 0)
    await cgpu(['auth', 'list', '--json'], null)
    await cgpu(['secret', 'set', 'CANARY', '-v'], 0, {input: own['user secret']})
    await cgpu(['runtime', 'create', '--name', 'machine', '--verbose'], 0)
    await cgpu(['runtime', 'show', 'machine', '--json'], 0)
    await cgpu(['exec', '-v', 'print(6 * 7)'], 0)
    await cgpu(['exec', '--output', 'ndjson', '--secret', 'CANARY', 'import os\nprint(len(os.environ["CANARY"]))'], null)
    await cgpu(['exec', '--json', '1 / 0'], 1)
  })

  it('goes on with programs and copies', async () => {
    const program = 'import hashlib, os, time\nprint(hashlib.sha256(os.environ["CANARY"].encode()).hexdigest(), len(os.environ["FILE_VALUE"]), flush=True)\ntime.sleep(1)\n'
    await bench.file('job.py', program)
    for (const output of ['text', 'ndjson', 'json']) await cgpu(['run', '-v', '--output', output, '--secret', 'CANARY', '--env-file', 'token.env', 'job.py'], 0)
    await bench.file('fails.py', `${program}raise ValueError("no")\n`)
    await cgpu(['run', '--json', '--secret', 'CANARY', '--env-file', 'token.env', 'fails.py'], 1)
    const [job] = await bench.data<{id: string}[]>(['job', 'list'])
    await cgpu(['job', 'list', '--json'], 0)
    await cgpu(['job', 'attach', job?.id ?? '', '-v'], 1)
    await bench.file('data.bin', randomBytes(100_000))
    await cgpu(['cp', '-v', 'data.bin', 'machine:data.bin'], 0)
    await cgpu(['cp', '--json', 'machine:data.bin', 'back.bin'], 0)
    await cgpu(['usage', '--json'], 0)
    await cgpu(['doctor', '--json'], null)
    await cgpu(['doctor', '-v'], null)
    await cgpu(['config', 'list', '--json'], 0)
    await cgpu(['secret', 'list', '--json'], 0)

    onMachine = await new Searcher(secrets()).below(join(bench.emulator.folder, 'machines'))
    assert.equal((await readdir(join(bench.emulator.folder, 'machines'))).length, 1)
  })

  it('ends with failures and renewals', async () => {
    for (const args of [['runtime', 'list', '--verbose'], ['exec', '-v', '1'], ['runtime', 'create', '--name', 'other', '--json']]) await cgpu(args, null, {env: {CGPU_TOKEN: own['wrong token']}})
    await bench.emulator.happen({expire: 'tokens'})
    await cgpu(['runtime', 'list', '--verbose'], 0)
    await bench.emulator.happen({expire: 'proxy-tokens'})
    await cgpu(['exec', '--verbose', 'print("renewed")'], 0)
    assert.ok(bench.calls('/token').filter((call) => call.startsWith('POST')).length >= 2, 'the access token was renewed')

    await bench.file('long.py', 'import time\nprint("on", flush=True)\ntime.sleep(600)\n')
    const running = Watched.cgpu(['run', '-v', '--secret', 'CANARY', 'long.py'], {home: bench.home})
    await running.shows('stdout', /on/)
    await bench.emulator.happen({reclaim: '*'})
    assert.equal((await running.exit).status, 71, running.stderr)
    keep('run on a machine that is reclaimed', running)
    await cgpu(['exec', '-r', 'machine', '1'], 66)
    await cgpu(['runtime', 'create', '--name', 'second'], 0)
    await cgpu(['exec', '-r', 'second', 'import os; print(sorted(os.environ))'], 0)
    for (const kind of ['access', 'refresh', 'proxy']) assert.ok([...issued.values()].filter((one) => one === kind).length >= 2, `${kind}: ${[...issued.values()].join()}`)
  })

  /** by name, what nobody but its owner may see */
  const secrets = (): Record<string, string> => ({...own, ...Object.fromEntries([...issued].map(([token, kind], i) => [`${kind} token ${i}`, token]))})

  it('is searched by somebody who finds what is there', async () => {
    const searcher = new Searcher(secrets())
    for (const [name, secret] of Object.entries(secrets())) {
      for (const shown of [secret, `a=${encodeURIComponent(secret)}&b`, JSON.stringify({a: {b: secret}}), JSON.stringify(JSON.stringify([secret])), Buffer.from(`:${secret}`).toString('base64'), Buffer.from(`me:${secret}:x`).toString('base64url'), new URLSearchParams({a: secret}).toString()]) {
        assert.deepEqual(searcher.in(`before ${shown} after`), [name], shown)
      }
    }
    await bench.file('planted/file', `x${Buffer.from(own['user secret']).toString('base64')}`)
    assert.deepEqual((await searcher.below(join(bench.home.cwd, 'planted'))).map(({path, names}) => [path, names]), [['file', ['user secret']]])
    await writeFile(join(bench.home.cwd, 'planted/file'), '')
  })

  it('leaves them in the files that are there for them, which only their owner may read', async () => {
    const mayHold: [RegExp, RegExp][] = [
      [/^config\/secrets\.json$/, /^(client secret|user secret|refresh token \d+)$/],
      [/^data\/state\/tokens\/[^/]+\.json$/, /^access token \d+$/],
      [/^data\/state\/providers\/colab\/[^/]+\/proxy-tokens\.json$/, /^proxy token \d+$/],
      // the user's own
      [/^work\/client\.json$/, /^client secret$/],
      [/^work\/token\.env$/, /^env-file value$/],
    ]
    const found = await new Searcher(secrets()).below(bench.home.path)
    for (const {path, names} of found) {
      const allowed = mayHold.find(([where]) => where.test(path))
      assert.ok(allowed, `${path} holds ${names.join()}`)
      for (const name of names) assert.match(name, allowed[1], path)
      if (!path.startsWith('work/')) assert.equal((await stat(join(bench.home.path, path))).mode & 0o777, 0o600, path)
    }
    for (const [where] of mayHold) assert.ok(found.some(({path}) => where.test(path)), `nothing is kept in ${String(where)}`)
  })

  it('shows them nowhere', () => {
    const searcher = new Searcher(secrets())
    assert.ok(told.length > 30)
    for (const {what, text} of told) assert.deepEqual(searcher.in(text), [], `${what}\n${text}`)
  })

  it('puts them into no argv, and a user\'s into the environment of the program alone', () => {
    const searcher = new Searcher(secrets())
    let programs = 0
    for (const {argv, environ} of processes.seen.values()) {
      const line = argv.replaceAll('\0', ' ').trim()
      assert.deepEqual(searcher.in(argv), [], line)
      const found = searcher.in(environ)
      if (/(job|fails|long)\.py$/.test(line)) {
        programs += found.length > 0 ? 1 : 0
        assert.deepEqual(found.filter((name) => name !== 'user secret' && name !== 'env-file value'), [], line)
        // that one was given by whoever started it
      } else assert.deepEqual(found.filter((name) => name !== 'wrong token'), [], line)
    }
    assert.ok(programs >= 3, `${programs} programs were seen with their secret`)
  })

  it('asks for no address with one in it', () => {
    const searcher = new Searcher(secrets())
    for (const {method, path, site} of bench.emulator.log.query()) assert.deepEqual(searcher.in(path), [], `${site}: ${method} ${path}`)
  })

  it('leaves none on a machine', async () => {
    assert.deepEqual(onMachine, [])
    assert.deepEqual(await new Searcher(secrets()).below(join(bench.emulator.folder, 'machines')), [])
  })

  it('forgets them at the end', async () => {
    await cgpu(['secret', 'delete', 'CANARY'], 0)
    await cgpu(['stop', '--all', '--yes'], 0)
    await cgpu(['auth', 'logout', '--verbose'], 0)
    const found = await new Searcher(secrets()).below(bench.home.path)
    assert.deepEqual(found.map(({path}) => path).filter((path) => !path.startsWith('work/')), [])
    assert.deepEqual(new Searcher(secrets()).in(told.at(-1)?.text ?? ''), [])
  })
})
