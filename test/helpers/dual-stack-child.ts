// What test/fault/dual-stack.test.ts runs where `host` is [::1] and 127.0.0.1: a black hole and a real Jupyter server on the
// same port. Prints how long each kind of connection took, in ms: `dual-stack-child.ts HOST`.
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {sender} from '@cgpu/accounts'
import {JupyterServer} from '@cgpu/jupyter'
import {freePort, startJupyter, testPython} from './jupyter-server.ts'

/** Listens on [::1], accepts nobody, and has its queue full: the system drops whatever else wants to connect. */
const blackHole = `
import socket, sys
hole = socket.socket(socket.AF_INET6)
hole.bind(('::1', int(sys.argv[1])))
hole.listen(0)
waiting = [socket.socket(socket.AF_INET6) for _ in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(('::1', int(sys.argv[1])))
print('silent', flush=True)
sys.stdin.read()`

const [host = ''] = process.argv.slice(2)
const port = await freePort()
const hole = spawn(testPython, ['-c', blackHole, String(port)], {stdio: ['pipe', 'pipe', 'inherit']})
await once(hole.stdout, 'data')
const jupyter = await startJupyter({port, extraArgs: ['--ServerApp.allow_remote_access=True']})
const server = new JupyterServer({url: `http://${host}:${port}/`, token: jupyter.token})

const took: Record<string, number> = {}
const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const started = performance.now()
  const result = await work()
  took[what] = Math.round(performance.now() - started)
  return result
}
try {
  await timed('rest', () => server.listKernels())
  await timed('account', () => sender()({method: 'GET', url: `http://${host}:${port}/api`}))
  const {id} = await server.startKernel({name: 'python3'})
  const direct = new JupyterServer({url: jupyter.url, token: jupyter.token})
  await (await direct.openKernel(id)).close() // it has started now
  const kernel = await timed('kernel', () => server.openKernel(id))
  await kernel.execute('1')
  await kernel.close()
  direct.close()
} finally {
  server.close()
  await jupyter.stop()
  hole.kill()
}
console.log(JSON.stringify(took))
