import assert from 'node:assert/strict'
import {readdirSync, readFileSync} from 'node:fs'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {assertRefused, type Workbench, workbench} from '../helpers/workbench.ts'

const secret = 'correct-horse-battery-staple-4711'

/** Names of the processes whose command line holds the text. */
function commandLinesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      return line.includes(text) ? [line.replaceAll('\0', ' ')] : []
    } catch {
      return [] // it ended meanwhile
    }
  })
}

describe('variables for a run', () => {
  let bench: Workbench
  before(async () => {
    bench = await workbench()
    assert.equal((await bench.cli(['runtime', 'create', '--name', 'there'])).status, 0)
  })
  after(() => bench.remove())

  it('come from -e, from here and from files, the nearest wins', async () => {
    await bench.file('one.env', '# comment\nA=file one\nB="quoted # value"\nexport C=3\n')
    await bench.file('two.env', 'A=file two\nEMPTY=\n')
    const {status, stdout, stderr} = await bench.cli(
      ['run', '--env-file', 'one.env', '--env-file', 'two.env', '-e', 'D=a=b c', '-e', 'FROM_HERE', '-e', 'C=flag', '--', 'sh', '-c', 'printf "%s|" "$A" "$B" "$C" "$D" "$FROM_HERE" "${EMPTY-unset}"'],
      {env: {FROM_HERE: 'größe'}},
    )
    assert.equal(status, 0, stderr)
    assert.equal(stdout, 'file two|quoted # value|flag|a=b c|größe||')
  })

  it('take nothing along that was not named', async () => {
    const {stdout} = await bench.cli(['run', '--', 'sh', '-c', 'echo "${NOT_NAMED-unset}"'], {env: {NOT_NAMED: 'x'}})
    assert.equal(stdout, 'unset\n')
  })

  it('show their values in no process list, log or state file', async () => {
    // the program itself looks at every process while it runs, cgpu among them
    await bench.file('look.py', `import os
found = []
for pid in os.listdir('/proc'):
    try:
        line = open('/proc/%s/cmdline' % pid, 'rb').read()
    except OSError:
        continue
    if os.environ['TOKEN'].encode() in line:
        found.append(line)
print(found, flush=True)
input()
`)
    await bench.file('token.env', `FILE_TOKEN=${secret}\n`)
    const running = bench.cli(['run', '--verbose', '-e', 'TOKEN', '--env-file', 'token.env', 'look.py'], {env: {TOKEN: secret}, input: '\n'})
    assert.deepEqual(commandLinesWith(secret), [])
    const {status, stdout, stderr} = await running
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '[]\n')
    assert.ok(!stderr.includes(secret), stderr)
    const files = (await readdir(bench.home.path, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile() && entry.name !== 'token.env')
    assert.ok(files.length > 5)
    // the machine goes on: what it writes aside is gone a moment later
    for (const file of files) assert.ok(!(await readFile(join(file.parentPath, file.name), 'latin1').catch(() => '')).includes(secret), file.name)
  })

  it('are refused before anything starts when they are wrong', async () => {
    await bench.file('bad.env', 'GOOD=1\nno assignment here\n')
    await bench.file('nul.env', 'A=\0\n')
    for (const [flags, status] of [
      [['-e', 'NOT_SET_ANYWHERE'], 64], [['-e', '=x'], 64], [['-e', ''], 64], [['-e', '1A=x'], 64], [['-e', 'A B=x'], 64],
      [['--env-file', 'bad.env'], 65], [['--env-file', 'nul.env'], 65], [['--env-file', 'missing.env'], 66], [['--env-file', '.'], 64],
    ] as const) assertRefused(await bench.cli(['run', ...flags, '--', 'true']), status, flags.join(' '))
  })
})
