import assert from 'node:assert/strict'
import {readdir} from 'node:fs/promises'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

const long = 'x'.repeat(10_000)
const texts: Record<string, string> = {
  empty: '', 'too long': long, 'control characters': 'a\u0007\u001b[2Jb\n\u009b1mc', 'leading upwards': '../../etc/passwd', 'of other scripts': 'größe 🙂 \u202egpj.\u200b',
}

/** A flag or argument, and the command line that has the text in its place. Those left out take any text. */
const commands: Record<string, (text: string) => string[]> = {
  'run SCRIPT': (text) => ['run', text],
  'run --runtime': (text) => ['run', `--runtime=${text}`, 'ok.py'],
  'run --provider': (text) => ['run', `--provider=${text}`, 'ok.py'],
  'run --gpu': (text) => ['run', `--gpu=${text}`, 'ok.py'],
  'run --tpu': (text) => ['run', `--tpu=${text}`, 'ok.py'],
  'run --image': (text) => ['run', `--image=${text}`, 'ok.py'],
  'run --output': (text) => ['run', `--output=${text}`, 'ok.py'],
  'run --env': (text) => ['run', `--env=${text}`, 'ok.py'],
  'run --env-file': (text) => ['run', `--env-file=${text}`, 'ok.py'],
  'run --include': (text) => ['run', `--include=${text}`, 'ok.py'],
  'run --requirements': (text) => ['run', `--requirements=${text}`, 'ok.py'],
  'exec --runtime': (text) => ['exec', `--runtime=${text}`, '1'],
  'exec --file': (text) => ['exec', `--file=${text}`],
  'exec --timeout': (text) => ['exec', `--timeout=${text}`, '1'],
  'exec --output': (text) => ['exec', `--output=${text}`, '1'],
  'cp SOURCE': (text) => ['cp', text, 'there:x'],
  'cp TARGET': (text) => ['cp', 'ok.py', text],
  'cp NAME': (text) => ['cp', `${text}:x`, 'y'],
  'runtime create --name': (text) => ['runtime', 'create', `--name=${text}`],
  'runtime create --provider': (text) => ['runtime', 'create', `--provider=${text}`],
  'runtime create --gpu': (text) => ['runtime', 'create', `--gpu=${text}`],
  'runtime ensure NAME': (text) => ['runtime', 'ensure', text],
  'runtime show NAME': (text) => ['runtime', 'show', text],
  'runtime use NAME': (text) => ['runtime', 'use', text],
  'runtime rename NAME': (text) => ['runtime', 'rename', text, 'new'],
  'runtime release NAME': (text) => ['runtime', 'release', text],
  'runtime accelerators --provider': (text) => ['runtime', 'accelerators', `--provider=${text}`],
  'runtime add URL': (text) => ['runtime', 'add', text],
  'runtime add --ca': (text) => ['runtime', 'add', 'http://127.0.0.1:1/', `--ca=${text}`],
  'runtime add --name': (text) => ['runtime', 'add', 'http://127.0.0.1:1/', `--name=${text}`],
  'job attach ID': (text) => ['job', 'attach', text],
  'job attach --offset': (text) => ['job', 'attach', 'x', `--offset=${text}`],
  'job list --runtime': (text) => ['job', 'list', `--runtime=${text}`],
  'schedule create NAME': (text) => ['schedule', 'create', text, '--every', '1d', '--', 'config', 'path'],
  'schedule create --cron': (text) => ['schedule', 'create', 'x', `--cron=${text}`, '--', 'config', 'path'],
  'schedule create --every': (text) => ['schedule', 'create', 'x', `--every=${text}`, '--', 'config', 'path'],
  'schedule create --timezone': (text) => ['schedule', 'create', 'x', '--cron=@daily', `--timezone=${text}`, '--', 'config', 'path'],
  'schedule create COMMAND': (text) => ['schedule', 'create', 'x', '--every', '1d', '--', text],
  'schedule show NAME': (text) => ['schedule', 'show', text],
  'schedule run --due': (text) => ['schedule', 'run', 'x', `--due=${text}`],
}

describe('nonsense', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    await bench.file('ok.py', 'print(1)')
  })
  after(() => bench.remove())

  for (const [what, build] of Object.entries(commands)) {
    it(`as ${what} is refused in two lines`, async () => {
      await Promise.all(Object.entries(texts).map(async ([kind, text]) => {
        const result = await bench.cli(build(text))
        assertRefused(result, [64, 65, 66, ...(what === 'runtime add URL' ? [69] : [])], `${what}: ${kind}`)
        // eslint-disable-next-line no-control-regex -- that there are none is the point
        assert.doesNotMatch(result.stderr.replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u202e]/, kind)
        assert.ok(result.stderr.length < 3000, `${kind}: ${result.stderr.length} characters`)
      }))
    }).timeout(60_000)
  }

  it('is what a pipe holds nowhere: it is the program\'s, and no argument that is missing', async () => {
    const lines = [['runtime', 'show'], ['runtime', 'rename'], ['config', 'get'], ['kernel', 'interrupt'], ['history', 'show'], ['port', 'list'], ['fs', 'head'], ['lab'], ['exec'], ['schema'], ['help']]
    await Promise.all(lines.map(async (args) => {
      const {stdout, stderr} = await bench.cli(args, {input: 'piped-in\n'})
      assert.doesNotMatch(`${stdout}${stderr}`, /piped-in/, args.join(' '))
    }))
  })

  it('leaves nothing behind', async () => {
    assert.deepEqual(await readdir(bench.home.cwd), ['ok.py'])
    assert.deepEqual(await readdir(bench.home.dataDir, {recursive: true}).then((names) => names.filter((name) => /rt-|\.json$/.test(name))), ['state/providers/local/pythons.json'], 'more than the bench put there')
  })

  it('in CGPU_ variables is refused as in flags', async () => {
    for (const [name, args, status] of [['CGPU_GPU', ['run', 'ok.py'], 64], ['CGPU_PROVIDER', ['run', 'ok.py'], 64], ['CGPU_RUNTIME', ['exec', '1'], 66], ['CGPU_OUTPUT', ['exec', '1'], 64], ['CGPU_CPU', ['run', 'ok.py'], 64]] as const) {
      assertRefused(await bench.cli(args, {env: {[name]: 'no sense'}}), status, name)
    }
  })
})
