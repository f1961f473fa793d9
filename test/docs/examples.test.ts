// Every example of every command's help is run, as a person would type it.
import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {chmodSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {cgpuBin, repoRoot, sealedHome, type SealedHome} from '../helpers/cli.ts'
import {knowTestPython} from '../helpers/known-python.ts'
import {examples, isAuthExample, isColabExample, isPluginsExample, needsMore, staysOpen} from '../helpers/examples.ts'
import {startJupyter, type TestJupyter, testPython} from '../helpers/jupyter-server.ts'

const first = ['cgpu runtime create --name trainer', 'cgpu runtime use trainer']
const last = ['cgpu runtime release trainer', 'cgpu runtime rename calm-otter trainer', 'cgpu runtime release trainer --force', 'cgpu schedule rm nightly', 'cgpu runtime use --none', 'cgpu stop --all --yes', 'cgpu runtime reap']
/** What must be there before an example makes sense. */
const needs: Record<string, string> = {
  'cgpu cp trainer:model.json .': 'echo {} > model.json; cgpu cp model.json trainer:model.json',
  'cgpu fs cat trainer:train.log': "cgpu run -q -r trainer -- sh -c 'touch train.log train.py plot.png old.csv draft.md data.csv; mkdir run-1'",
  'cgpu kernel attach': 'cgpu exec 1',
  'cgpu repl trainer --kernel lab': 'cgpu kernel start lab -r trainer || true',
  'cgpu runtime rename calm-otter trainer': 'cgpu runtime create --name calm-otter',
  'cgpu why': 'cgpu job wait $(cgpu run -d -r trainer -- false) || true',
  'cgpu debug log': 'cgpu runtime show nobody || true',
  'cgpu secret delete HF_TOKEN': 'cgpu secret set HF_TOKEN < token.txt',
  'cgpu port close 6006': 'cgpu port forward trainer 6006 --detach',
  'cgpu schedule logs nightly': 'cgpu schedule run nightly',
  'cgpu schedule logs nightly --run 1': 'cgpu schedule run nightly',
  'cgpu config get provider': 'cgpu config set provider local',
  'cgpu config get provider --origin': 'cgpu config set provider local',
}

describe('examples in help', () => {
  let home: SealedHome
  let server: TestJupyter

  const shell = (line: string): string => {
    const done = spawnSync('bash', ['-euo', 'pipefail', '-c', line], {env: home.env, cwd: home.cwd, encoding: 'utf8', timeout: 60_000})
    assert.equal(done.status, 0, `${line}\n${done.stdout}\n${done.stderr}`)
    return done.stdout
  }
  /** The names that examples use stand for what is here. */
  const made = (line: string): string => {
    const here = line
      .replace(/https?:\/\/(lab\.example\.com\/user\/me\/|127\.0\.0\.1:8888)/, server.url)
      .replace('https://data.example.com/data.csv', `${server.url}api`)
      .replace('--name here', '--name here < token.txt')
      .replace('"numpy, pandas"', 'pip')
      .replace(/connect trainer \d+/, `connect trainer ${server.port}`)
      .replace(/secret set HF_TOKEN$/, '$& < token.txt')
    if (here.includes(' history ')) {
      const {data} = JSON.parse(shell('cgpu history list --kind exec --status ok --json')) as {data: {id: string}[]} // the envelope of our own command
      return here.replaceAll('0mibvu0c4-5f1e0a9b3c', data[0]?.id ?? '')
    }
    return here.replaceAll(/\b0mibv\S*/g, () => jobFor(here))
  }
  /** A job that the example makes sense for. */
  const jobFor = (line: string): string => {
    const program = line.includes('cancel') ? 'sleep 60' : line.includes('--stdin') ? 'cat' : line.includes('why') ? 'echo no; exit 3' : 'echo loss 0.1'
    const id = shell(`cgpu run -d ${line.includes('--stdin') ? '--keep-stdin ' : ''}-r trainer -- sh -c '${program}'`).trim()
    if (!/cancel|--stdin/.test(line)) shell(`cgpu job wait ${id} || true`)
    return id
  }

  before(async () => {
    home = await sealedHome()
    server = await startJupyter()
    const bin = join(home.path, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'cgpu'), `#!/bin/sh\nexec "${process.execPath}" -- "${cgpuBin}" "$@"\n`)
    chmodSync(join(bin, 'cgpu'), 0o755)
    Object.assign(home.env, {PATH: `${bin}:${home.env['PATH']}`, CGPU_PYTHON: testPython, WANDB_API_KEY: 'a secret', EDITOR: 'true', CGPU_KEYRING: 'off'})
    await knowTestPython(home)
    for (const folder of ['examples', 'data']) mkdirSync(join(home.cwd, folder))
    const script = readFileSync(join(repoRoot, 'examples', 'train.py'), 'utf8')
    const files = {'examples/train.py': script, 'train.py': script, 'data/one.csv': '1\n', 'data.csv': '1\n', 'prepare.py': 'y = 1\n', 'analyse.py': 'print(open("data/one.csv").read())\n', 'token.txt': server.token}
    for (const [name, text] of Object.entries(files)) writeFileSync(join(home.cwd, name), text)
  })
  after(async () => {
    spawnSync(process.execPath, [cgpuBin, 'stop', '--all', '--yes'], {env: home.env})
    await server.stop()
    await home.remove()
  })

  const all = examples().filter((line) => !isAuthExample(line) && !isColabExample(line) && !isPluginsExample(line) && !needsMore(line))
  const middle = all.filter((line) => !first.includes(line) && !last.includes(line))
  for (const line of [...first, ...middle, ...last]) {
    it(line, function () {
      this.timeout(90_000)
      assert.ok(all.includes(line), 'no command shows this example any more')
      if (needs[line] !== undefined) shell(needs[line])
      // as by Ctrl-C once it serves; a shell has background commands ignore that signal itself
      shell(staysOpen(line) ? `${made(line)} > served & until [ -s served ]; do sleep 0.1; done; kill -TERM $!; wait $!; rm served` : made(line))
    })
  }
})
