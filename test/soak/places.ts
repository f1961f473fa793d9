import assert from 'node:assert/strict'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import type {RuntimeJson} from '@cgpu/core/schema/types'
import {type ChaosProxy, startChaos} from '../helpers/chaos.ts'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {testPython} from '../helpers/jupyter-server.ts'
import {jupyterFor} from '../helpers/workbench.ts'
import type {Dice} from './dice.ts'

/** A runtime, and what can go wrong on the way to it. */
export interface Place {
  /** of the runtime, too */
  name: string
  python: string
  /** file on the machine that every execution writes its id to */
  marks: string
  /** the ids that were written there */
  marked(): Promise<string[]>
  /** each happens, and is over when it resolves */
  faults: Record<string, (dice: Dice) => Promise<void>>
  /** drops what the faults left open */
  calm(): Promise<void>
}

export interface Places {
  bench: ColabBench
  all: Place[]
}

/** A local runtime, a Jupyter server behind a proxy, and a machine of an emulated Colab, all of one home. */
export async function openPlaces(): Promise<Places> {
  const bench = await colabBench({machines: {closeExpiredSockets: true}})
  try {
    return {bench, all: [await localPlace(bench), await jupyterPlace(bench), await colabPlace(bench)]}
  } catch (error) {
    await bench.remove()
    throw error
  }
}

const linesOf = async (path: string): Promise<string[]> => (await readFile(path, 'utf8').catch(() => '')).split('\n').slice(0, -1)

async function localPlace(bench: ColabBench): Promise<Place> {
  const {id} = await bench.data<RuntimeJson>(['runtime', 'create', '--provider', 'local', '--name', 'local'])
  const folder = join(bench.home.dataDir, 'state/providers/local', id.replace(/^local-/, ''))
  const {server: {pid}} = JSON.parse(await readFile(join(folder, 'processes.json'), 'utf8')) as {server: {pid: number}} // by the local provider
  const marks = join(bench.home.path, 'marks-local')
  return {
    name: 'local', python: testPython, marks, marked: () => linesOf(marks), calm: async () => undefined,
    faults: {
      async 'server stopped for a moment'(dice) {
        process.kill(pid, 'SIGSTOP')
        await delay(dice.whole(100, 2000)).finally(() => process.kill(pid, 'SIGCONT'))
      },
    },
  }
}

async function jupyterPlace(bench: ColabBench): Promise<Place> {
  const server = await jupyterFor(bench)
  let proxy: ChaosProxy = await startChaos(server.port)
  bench.onRemove(() => proxy.close())
  const added = await bench.cli(['runtime', 'add', proxy.url(), '--token-stdin', '--name', 'jupyter'], {input: server.token})
  assert.equal(added.status, 0, added.stderr)
  const marks = join(bench.home.path, 'marks-jupyter')
  return {
    name: 'jupyter', python: testPython, marks, marked: () => linesOf(marks), calm: async () => proxy.rstAll(),
    faults: {
      reset: async () => proxy.rstAll(),
      'closed (FIN)': async () => proxy.finAll(),
      'reset, the server not told': async () => proxy.rstClientOnly(),
      'half-open': async () => proxy.freezeExisting(),
      async 'refused for a while'(dice) {
        proxy.refuse()
        proxy.rstAll()
        await delay(dice.whole(50, 2500)).finally(() => proxy.refuse(false))
      },
      async 'cut in the middle of a message'(dice) {
        proxy.cutAfter = proxy.bytes + dice.whole(1, 40_000)
        await delay(300).finally(() => (proxy.cutAfter = Infinity))
      },
      async 'answers lost'(dice) {
        proxy.mode = 'mute'
        await delay(dice.whole(50, 500)).finally(() => {
          proxy.rstAll()
          proxy.mode = 'pass'
        })
      },
      async 'delayed'(dice) {
        proxy.delayMs = dice.whole(5, 100)
        await delay(1000).finally(() => (proxy.delayMs = 0))
      },
      async 'dripping'(dice) {
        proxy.drip = dice.whole(2000, 50_000)
        await delay(1000).finally(() => (proxy.drip = undefined))
      },
      async 'proxy restarted'(dice) {
        const {port} = proxy
        await proxy.close()
        await delay(dice.whole(0, 1000))
        proxy = await startChaos(server.port, port)
      },
    },
  }
}

async function colabPlace(bench: ColabBench): Promise<Place> {
  await bench.data(['runtime', 'create', '--provider', 'colab', '--name', 'colab'])
  const {emulator} = bench
  const machines = join(emulator.folder, 'machines')
  const [machine = ''] = await readdir(machines)
  const content = join(machines, machine, 'content')
  return {
    name: 'colab', python: 'python3', marks: '/content/marks',
    marked: () => linesOf(join(content, 'marks')),
    calm: () => emulator.happen({disconnect: 'runtime:*'}),
    faults: {
      reset: () => emulator.happen({disconnect: 'runtime:*'}),
      async 'frozen for a while'(dice) {
        await emulator.happen({freeze: 'runtime:*'})
        await delay(dice.whole(100, 2000))
        await emulator.happen({thaw: true})
      },
      'proxy tokens expired': () => emulator.happen({expire: 'proxy-tokens'}),
      async 'control plane down for a while'(dice) {
        const {id} = emulator.faults.add({match: {site: 'control'}, do: {status: dice.pick([500, 502, 503])}})
        await emulator.happen({disconnect: 'runtime:*'})
        await delay(dice.whole(100, 1500)).finally(() => {
          emulator.faults.remove(id)
        })
      },
      async 'requests dropped'(dice) {
        const {id} = emulator.faults.add({match: {site: 'runtime:*', probability: 0.5}, do: {drop: dice.pick(['before', 'after'] as const)}})
        await emulator.happen({disconnect: 'runtime:*'})
        await delay(dice.whole(100, 1000)).finally(() => {
          emulator.faults.remove(id)
        })
      },
    },
  }
}
