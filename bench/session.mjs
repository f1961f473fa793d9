// One open session of cgpu's core, as `exec` uses it: many executions over one connection.
import {Cgpu} from '@cgpu/core/cgpu'
import {Execution} from '@cgpu/core/execution/exec'
import {resolveDirs} from '@cgpu/core/state/dirs'

export async function openSession(env, name) {
  const cgpu = await Cgpu.open({
    dirs: resolveDirs(env), env, cwd: '/',
    providers: [{id: 'jupyter', source: 'bench', load: async () => (await import('@cgpu/provider-jupyter')).createProvider}],
  })
  const session = await cgpu.connect(await cgpu.runtimes.select(name))
  return {
    session,
    execute: (code) => new Execution(session, {code, onEvent: () => {}}).result,
    close: () => session.close(),
  }
}
