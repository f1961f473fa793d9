import {createHash} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {WebSocket} from 'ws'
import type {Dice, Frame, Machine, MachineGate, MachineSpec, TokenVerdict} from '../../packages/emulator/src/contract.ts'
import {createMachineHost, type LocalMachineHost, type MachineHostOptions} from '../../packages/emulator/src/machine/index.ts'
import {JupyterServer, type KernelConnection} from '../../packages/jupyter/src/index.ts'
import {testPython} from './jupyter-server.ts'

/** The emulator's machines alone: no accounts, no control origin. Their tokens are what the test says they are. */
export interface MachineBed {
  host: LocalMachineHost
  /** by `endpoint:port:token`; others are unknown */
  verdicts: Map<string, TokenVerdict>
  used: string[]
  unassigned: string[]
  /** what `driveFolder` answers */
  drive: {folder: string | null}
  folder: string
  /** a machine whose token is `good`; `about` changes the CPU machine that it is otherwise */
  start(endpoint: string, about?: Partial<MachineSpec>): Promise<Machine>
  close(): Promise<void>
}

export async function machineBed(options: Partial<MachineHostOptions> = {}): Promise<MachineBed> {
  const folder = await mkdtemp(join(tmpdir(), 'cgpu-machines-'))
  const verdicts: MachineBed['verdicts'] = new Map()
  const used: string[] = []
  const unassigned: string[] = []
  const drive: MachineBed['drive'] = {folder: null}
  const gate: MachineGate = {
    checkToken: (endpoint, port, token) => verdicts.get(`${endpoint}:${port}:${token}`) ?? 'unknown',
    used: (endpoint) => void used.push(endpoint),
    unassign: async (endpoint) => void unassigned.push(endpoint),
    driveFolder: async () => drive.folder,
  }
  const host = createMachineHost({folder: join(folder, 'machines'), frame, gate, dice, python: async () => testPython, ...options})
  return {
    host, verdicts, used, unassigned, drive, folder,
    async start(endpoint, about = {}) {
      verdicts.set(`${endpoint}:8080:good`, 'ok')
      return host.start({endpoint, variant: 'DEFAULT', accelerator: 'NONE', highMem: false, image: '2026.09', ...about})
    },
    async close() {
      await host.close()
      await rm(folder, {recursive: true, force: true, maxRetries: 5})
    },
  }
}

const frame: Frame = {
  async listen(_site, handler, options = {}) {
    const server = createServer((request, response) => handler.request(request, response))
    server.on('upgrade', (request, socket, head) => handler.upgrade?.(request, socket, head))
    await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async close() {
        await new Promise((resolve) => {
          server.close(resolve)
          server.closeAllConnections()
        })
      },
    }
  },
}

const dice: Dice = {
  row: () => () => 0.5,
  hex: (name, bytes) => createHash('sha256').update(name).digest('hex').slice(0, bytes * 2),
}

/** A request to a machine, with its token. */
export function ask(machine: Machine, path: string, init: RequestInit & {json?: unknown} = {}): Promise<Response> {
  const {json, ...rest} = init
  return fetch(`${machine.url}${path}`, {
    ...rest,
    headers: {'x-colab-runtime-proxy-token': 'good', ...(rest.headers as Record<string, string> | undefined)},
    ...(json === undefined ? {} : {body: JSON.stringify(json)}),
  })
}

/** A WebSocket of a machine, open. What arrives is in `heard`. */
export async function socketOf(machine: Machine, path: string): Promise<{socket: WebSocket; heard: (string | Buffer)[]}> {
  const socket = new WebSocket(`${machine.url.replace('http', 'ws')}${path}`, {headers: {'x-colab-runtime-proxy-token': 'good'}})
  const heard: (string | Buffer)[] = []
  socket.on('message', (data: Buffer, binary) => heard.push(binary ? data : data.toString()))
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return {socket, heard}
}

export interface RunOptions {
  kernelName?: string
  /** answers what google.colab asks: the `data` or `error` of the reply; undefined leaves it without */
  reply?: (type: string, request: unknown) => {data?: unknown; error?: string} | undefined
}

export interface Ran {
  /** what it printed */
  text: string
  /** messages of other types than stream, as `type: JSON` */
  others: string[]
  /** `name: value` */
  error?: string
}

/** Runs code in the machine's kernel of that name, by the client library. */
export async function runCode(machine: Machine, code: string, {kernelName = 'python3', reply}: RunOptions = {}): Promise<Ran> {
  const server = new JupyterServer({url: `${machine.url}/`, headers: () => ({'X-Colab-Runtime-Proxy-Token': 'good'})})
  try {
    const session = await server.ensureSession({path: `test-${kernelName}`, name: 'test', type: 'console', kernelName})
    const kernel = await server.openKernel(session.kernel.id)
    try {
      return await execute(kernel, code, reply)
    } finally {
      await kernel.close()
    }
  } finally {
    server.close()
  }
}

async function execute(kernel: KernelConnection, code: string, reply: RunOptions['reply']): Promise<Ran> {
  const ran: Ran = {text: '', others: []}
  const {error} = await kernel.execute(code, {
    // else a kernel drops, for a moment after a cell that fails, whatever is sent next
    stopOnError: false,
    onOutput({header, content}) {
      if (header.msg_type === 'stream') ran.text += String(content['text'])
      else ran.others.push(`${header.msg_type}: ${JSON.stringify(content)}`)
    },
    onCustom({metadata, content}) {
      const answer = reply?.(String(metadata['colab_request_type']), content['request'])
      if (answer) void kernel.replyInput({type: 'colab_reply', colab_msg_id: metadata['colab_msg_id'], ...answer})
    },
  })
  return error ? {...ran, error: `${error.name}: ${error.value}`} : ran
}

/** The text of a program's output on the machine. */
export async function shell(machine: Machine, command: string): Promise<string> {
  const {text, error} = await runCode(machine, `import subprocess; print(subprocess.getoutput(${JSON.stringify(command)}), end='')`)
  if (error !== undefined) throw new Error(error)
  return text
}
