import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {chmod, readdir, readFile, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {envelope} from '../helpers/cli.ts'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

const value = 'correct-horse-battery-staple-0815'

/** Looks for its own secret in every command line while it runs, cgpu's among them. */
const look = `import hashlib, os
secret = os.environ['WANDB_API_KEY']
seen = 0
for pid in os.listdir('/proc'):
    try:
        seen += secret.encode() in open('/proc/%s/cmdline' % pid, 'rb').read()
    except OSError:
        pass
print(hashlib.sha256(secret.encode()).hexdigest(), seen, os.environ.get('OTHER', 'not given'))
`
const expected = `${createHash('sha256').update(value).digest('hex')} 0 not given\n`

describe('secrets of this user', () => {
  let bench: Workbench
  const kept = async (name: string, text: string): Promise<void> => {
    const {status, stderr} = await bench.cli(['secret', 'set', name], {input: text})
    assert.equal(status, 0, stderr)
    assert.doesNotMatch(stderr, new RegExp(text.trim()))
  }
  /** The files below the home that hold the value, by name. */
  const holders = async (): Promise<string[]> => {
    const files = (await readdir(bench.home.path, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile())
    // the machine goes on: what it writes aside is gone a moment later
    const found = await Promise.all(files.map(async ({parentPath, name}) => ((await readFile(join(parentPath, name), 'latin1').catch(() => '')).includes(value) ? [name] : [])))
    return found.flat()
  }

  before(async () => {
    bench = await workbench()
    Object.assign(bench.home.env, {CGPU_KEYRING: 'off'})
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
  })
  after(() => bench.remove())
  afterEach(async () => {
    await rm(join(bench.home.configDir, 'secrets.json'), {force: true})
    await rm(join(bench.home.configDir, 'secret-names.json'), {force: true})
    await rm(join(bench.home.cwd, '.env'), {force: true})
  })

  it('are kept in a file for their owner only, listed by name, and forgotten', async () => {
    await kept('WANDB_API_KEY', `${value}\n`)
    assert.deepEqual(await holders(), ['secrets.json'])
    assert.equal((await stat(join(bench.home.configDir, 'secrets.json'))).mode & 0o777, 0o600)
    await bench.file('.env', 'OTHER=1\nWANDB_API_KEY=2\n')
    assert.deepEqual(await bench.data(['secret', 'list'], {env: {OTHER: '3', UNRELATED: '4'}}), [
      {name: 'OTHER', sources: ['environment', '.env']}, {name: 'WANDB_API_KEY', sources: ['.env', 'file']},
    ])
    const {stdout} = await bench.cli(['secret', 'list'])
    assert.equal(stdout, 'name           from\nOTHER          .env\nWANDB_API_KEY  .env, file\n')
    assert.deepEqual(await bench.data(['secret', 'delete', 'WANDB_API_KEY']), {name: 'WANDB_API_KEY'})
    assert.deepEqual(await holders(), [])
    assertRefused(await bench.cli(['secret', 'delete', 'WANDB_API_KEY']), 66)
  })

  it('keep what is in them: lines, and what a shell would take apart', async () => {
    const key = '-----BEGIN KEY-----\n$(id) "\'\\ größe\n-----END KEY-----'
    await kept('KEY', `${key}\r\n`)
    const {stdout} = await bench.cli(['run', '--secret', 'KEY', '--', 'printenv', 'KEY'])
    assert.equal(stdout, `${key}\n`)
  })

  it('that make no sense are refused', async () => {
    assertRefused(await bench.cli(['secret', 'set', 'A=b'], {input: 'x'}), 64)
    assertRefused(await bench.cli(['secret', 'set', 'A'], {input: '\n'}), 64)
    assertRefused(await bench.cli(['secret', 'set', 'A'], {input: 'a\0b'}), 64)
    assertRefused(await bench.cli(['secret', 'set', 'A'], {input: 'x'.repeat(70_000)}), 64)
    assert.notEqual((await bench.cli(['secret', 'set', 'A', 'value'], {input: 'x'})).status, 0)
    assert.deepEqual(await bench.data(['secret', 'list']), [])
  })

  it('that others may read are not used', async () => {
    await kept('A', 'x')
    await chmod(join(bench.home.configDir, 'secrets.json'), 0o644)
    assertRefused(await bench.cli(['run', '--secret', 'A', '--', 'true']), 67)
  })

  for (const [source, given] of [['the environment', {WANDB_API_KEY: value}], ['.env', {}], ['the store', {}]] as const) {
    it(`from ${source} become variables of a run, and are written nowhere else`, async () => {
      await bench.file('look.py', look)
      if (source === '.env') await bench.file('.env', `WANDB_API_KEY=${value}\nOTHER=1\n`)
      if (source === 'the store') await kept('WANDB_API_KEY', value)
      const {status, stdout, stderr} = await bench.cli(['run', '--verbose', '--secret', 'WANDB_API_KEY', 'look.py'], {env: {...given, OTHER: '2'}})
      assert.equal(status, 0, stderr)
      assert.equal(stdout, expected)
      assert.doesNotMatch(stderr, new RegExp(value))
      const lines = await bench.cli(['run', '--output', 'ndjson', '--secret', 'WANDB_API_KEY', 'look.py'], {env: given})
      assert.match(lines.stdout, /"finished"/)
      assert.doesNotMatch(lines.stdout + lines.stderr, new RegExp(value))
      const json = await bench.cli(['run', '--json', '--secret', 'WANDB_API_KEY', 'look.py'], {env: given})
      assert.doesNotMatch(json.stdout + json.stderr, new RegExp(value))
      // the machine's own files are below the home, too: its job's specification and log among them
      assert.deepEqual(await holders(), source === '.env' ? ['.env'] : source === 'the store' ? ['secrets.json'] : [])
    })
  }

  it('are not rewritten in what the program prints', async () => {
    const {stdout} = await bench.cli(['run', '--secret', 'WANDB_API_KEY', '--', 'printenv', 'WANDB_API_KEY'], {env: {WANDB_API_KEY: value}})
    assert.equal(stdout, `${value}\n`)
  })

  it('without a value fail before a runtime is made', async () => {
    await kept('WANDB_API_KEY', value)
    const before = await bench.data<unknown[]>(['runtime', 'list'])
    const answer = envelope(await bench.cli(['run', '--json', '--provider', 'local', '--keep', '--secret', 'WANDB_API_KEE', '--', 'true']))
    assert.deepEqual([answer.error.code, answer.error.category], ['SECRET_NOT_FOUND', 'usage'])
    assert.match(String(answer.error.fix), /did you mean "WANDB_API_KEY"\?/)
    assertRefused(await bench.cli(['exec', '--secret', 'NOPE', '1']), 66)
    assert.equal((await bench.data<unknown[]>(['runtime', 'list'])).length, before.length)
  })

  it('cannot be asked for by code on a kernel that has no library for it', async () => {
    assertRefused(await bench.cli(['exec', '-r', 'there', '--secret', 'A', '1'], {env: {A: 'x'}}), 64)
    assertRefused(await bench.cli(['drive', 'mount', '-r', 'there']), 64)
    assertRefused(await bench.cli(['drive', 'unmount', '-r', 'there']), 64)
  })
})
