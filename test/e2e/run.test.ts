import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {repoRoot} from '../helpers/cli.ts'
import {places, type Workbench, workbench} from '../helpers/workbench.ts'

/** Every byte, twice, and what is not UTF-8. */
const bytes = Buffer.concat([Buffer.from(Array.from({length: 512}, (_, i) => i % 256)), Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xe2, 0x82])])

for (const {place, make} of places) {
  describe(`cgpu run on ${place}`, () => {
    let bench: Workbench
    before(async () => {
      bench = await workbench()
      await make(bench)
    })
    after(() => bench.remove())
    const sh = (line: string, ...rest: string[]) => bench.cli(['run', '-q', ...rest, '--', 'sh', '-c', line])

    it('trains the example and brings its outputs back', async () => {
      const {status, stdout, stderr} = await bench.cli(['run', '--output-dir', 'results', join(repoRoot, 'examples/train.py'), '--epochs', '20'])
      assert.equal(status, 0, stderr)
      assert.match(stdout, /^training on .*\nepoch +1\/20 .*\nepoch +10\/20 .*\nepoch +20\/20 .*\nwrote model\.json and loss\.svg/)
      assert.match(stderr, /^results\/model\.json \(.*\)\nresults\/loss\.svg \(.*\)\ndone after .*\n$/m)
      const model: unknown = JSON.parse(await readFile(join(bench.home.cwd, 'results/model.json'), 'utf8'))
      assert.ok(typeof model === 'object' && model !== null && 'loss' in model)
    })

    it('ends as the program ends', async () => {
      const endings = [['exit 0', 0], ['exit 1', 1], ['exit 3', 3], ['exit 63', 63], ['exit 255', 255], ['kill -9 $$', 137], ['kill -15 $$', 143]] as const
      const ended = await Promise.all(endings.map(async ([line]) => [line, (await sh(line)).status]))
      assert.deepEqual(ended, endings)
    })

    it('hands bytes of both streams through as they are', async () => {
      await bench.file('bytes.bin', bytes)
      const {status, bytes: out, stderr} = await sh('cat bytes.bin; printf "to stderr \\303\\251" >&2', '--include', 'bytes.bin')
      assert.equal(status, 0, stderr)
      assert.deepEqual(out, bytes)
      assert.equal(stderr, 'to stderr é')
    })

    it('feeds stdin, bytes and all, and its end', async () => {
      const input = Buffer.concat(Array.from({length: 2000}, () => bytes))
      const {status, stdout} = await bench.cli(['run', '-q', '--', 'sh', '-c', 'sha256sum'], {input})
      assert.equal(status, 0)
      assert.match(stdout, new RegExp(`^${createHash('sha256').update(input).digest('hex')} `))
    })

    it('leaves every argument behind the script to it', async () => {
      await bench.file('args.py', 'import json, sys\nprint(json.dumps(sys.argv[1:]))\n')
      const args = ['--json', '-h', '--', '--gpu', 'x', '', 'a b', '$HOME', "quote'\"", '*', 'größe 🙂', '-r', '--version', '--output=json']
      const {status, stdout, stderr} = await bench.cli(['run', 'args.py', ...args])
      assert.equal(status, 0, stderr)
      assert.deepEqual(JSON.parse(stdout), args)
      const command = await bench.cli(['run', '--', 'printf', '%s|', ...args])
      assert.equal(command.stdout, args.map((arg) => `${arg}|`).join(''))
    })

    it('runs in the folder that --cwd names', async () => {
      assert.equal((await sh('mkdir -p deep/er')).status, 0)
      assert.match((await sh('pwd', '--cwd', 'deep/er')).stdout, /\/deep\/er\n$/)
      const {status, stderr} = await sh('pwd', '--cwd', 'no/such')
      assert.equal(status, 66, stderr)
      assert.match(stderr, /^error: .*no\/such.*\nfix: .*\n$/)
    })

    it('says that a command is not there', async () => {
      const {status, stderr} = await bench.cli(['run', '-q', '--', 'no-such-program', '1'])
      assert.equal(status, 64, stderr)
      assert.match(stderr, /^error: .*: command not found: no-such-program\nfix: .*\n$/)
    })

    it('uploads files and folders where they belong', async () => {
      await Promise.all([
        bench.file('data/a.txt', 'a'), bench.file('data/deep/mit größe.txt', 'b'), bench.file('data/.git/config', 'no'), bench.file('data/run.sh', '#!/bin/sh\necho ran\n', 0o755), bench.file('empty', ''),
      ])
      const {status, stdout, stderr} = await sh('find data empty -type f | LC_ALL=C sort; cat data/a.txt "data/deep/mit größe.txt"; ./data/run.sh', '-i', 'data', '-i', 'empty')
      assert.equal(status, 0, stderr)
      assert.equal(stdout, 'data/a.txt\ndata/deep/mit größe.txt\ndata/run.sh\nempty\nabran\n')
    })
  })
}
