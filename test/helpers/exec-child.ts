// One execution in a process of its own, for tests that stop or kill it. Arguments: heartbeat in ms, code.
import {Cgpu} from '@cgpu/core/cgpu'
import {Execution} from '@cgpu/core/execution/exec'
import {resolveDirs} from '@cgpu/core/state/dirs'

const [heartbeat, code = ''] = process.argv.slice(2)
const {env} = process
const cgpu = await Cgpu.open({
  dirs: resolveDirs(env), env, cwd: process.cwd(),
  providers: [{id: 'jupyter', source: 'test', load: async () => (await import('@cgpu/provider-jupyter')).createProvider}],
})
const session = await cgpu.connect(await cgpu.runtimes.select('bed'), {heartbeatMs: Number(heartbeat), onLink: (state) => void process.stderr.write(`${state}\n`)})
const {exitStatus} = await new Execution(session, {
  code,
  onEvent: (event) => {
    if (event.type === 'stdout') process.stdout.write(event.data)
  },
}).result
await session.close()
process.exitCode = exitStatus
