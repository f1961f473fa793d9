import assert from 'node:assert/strict'
import {type ChildProcess, spawn} from 'node:child_process'
import {existsSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {testPython} from '../../../../test/helpers/jupyter-server.ts'
import {ask, machineBed, shell} from '../../../../test/helpers/machine-bed.ts'
import {until} from '../../../../test/helpers/workbench.ts'

const program = fileURLToPath(new URL('../../../../test/helpers/machine-child.ts', import.meta.url))

interface Process {
  pid: number
  parent: number
  started: string
  command: string
}

function processes(): Process[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z') return []
      return [{pid: Number(name), parent: Number(fields[1]), started: fields[19] ?? '', command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')}]
    } catch {
      return [] // gone meanwhile
    }
  })
}

function below(root: number): Process[] {
  const all = processes()
  const found: Process[] = []
  for (let todo = [root]; todo.length > 0; ) {
    const next = all.filter(({parent}) => todo.includes(parent))
    found.push(...next)
    todo = next.map(({pid}) => pid)
  }
  return found
}

const living = (of: Process[]): Process[] => processes().filter(({pid, started}) => of.some((one) => one.pid === pid && one.started === started))

for (const kind of ['namespaces', 'folders']) {
  describe(`the end of emulated machines, as ${kind}`, () => {
    let child: ChildProcess
    let folder: string

    before(async () => {
      child = spawn(process.execPath, ['--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', program, kind], {stdio: ['ignore', 'pipe', 'inherit']})
      const line = await new Promise<string>((resolve) => createInterface({input: child.stdout!}).once('line', resolve))
      const told = JSON.parse(line) as {folder: string; ground: {namespaces: boolean}}
      folder = told.folder
      assert.equal(told.ground.namespaces, kind === 'namespaces')
    })
    after(() => {
      child.kill('SIGKILL')
      rmSync(folder, {recursive: true, force: true})
    })

    it('comes with the process that made them, killed as it may be: no kernel, shell or folder is left', async () => {
      const all = below(child.pid ?? 0)
      for (const part of ['zygote.py', 'ipykernel_launcher', 'sleep 1000', 'bash']) assert.ok(all.some(({command}) => command.includes(part)), `${part} of ${all.map(({command}) => command).join('\n')}`)
      const sockets = all.map(({command}) => /zygote\.py (\S+)/.exec(command)?.[1]).find((one) => one !== undefined) ?? ''
      assert.ok(existsSync(sockets))
      child.kill('SIGKILL')
      await until(() => living(all).length === 0, () => living(all).map(({pid, command}) => `${pid} ${command}`).join('\n'))
      await until(() => !existsSync(sockets) && readdirSync(join(folder, 'machines')).length === 0, () => `${sockets} or ${folder} is left`)
    })
  })
}

describe('an emulator whose machines were killed', () => {
  it('answers 502 for them, and starts others', async () => {
    const bed = await machineBed()
    try {
      const machine = await bed.start('cpu-killed')
      const zygote = below(process.pid).find(({command, parent}) => parent === process.pid && command.includes('zygote.py'))
      process.kill(zygote?.pid ?? 0, 'SIGKILL')
      await until(async () => (await ask(machine, '/api')).status === 502, () => 'it still answers')
      const other = await bed.start('cpu-next')
      assert.equal((await ask(other, '/api')).status, 200)
      await machine.stop()
    } finally {
      await bed.close()
    }
  })

  it('begins again after a Python that does not work', async () => {
    let python = '/nowhere/python'
    const bed = await machineBed({python: async () => python})
    try {
      await assert.rejects(bed.start('cpu-none'), {code: 'EMULATOR_MACHINE_FAILED'})
      python = testPython
      assert.equal((await ask(await bed.start('cpu-some'), '/api')).status, 200)
    } finally {
      await bed.close()
    }
  })
})

describe('an emulated machine that is stopped', () => {
  for (const namespaces of [true, false]) {
    it(`leaves no process and no file, ${namespaces ? 'with' : 'without'} namespaces`, async () => {
      const bed = await machineBed({namespaces})
      try {
        const machine = await bed.start('cpu-stopped')
        await shell(machine, 'setsid sleep 1000 >/dev/null 2>&1 & touch stays')
        const before = below(process.pid)
        assert.ok(before.some(({command}) => command.includes('sleep 1000')))
        await machine.stop()
        const left = living(before).filter(({command}) => !command.includes('zygote.py'))
        assert.deepEqual(left, [])
        assert.deepEqual(readdirSync(join(bed.folder, 'machines')), [])
      } finally {
        await bed.close()
      }
    })
  }
})
