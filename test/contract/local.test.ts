import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {createProvider} from '@cgpu/provider-local'
import {describeProvider} from './provider.ts'
import {sealedContext, until} from './local-context.ts'

describeProvider('local', async () => {
  const {context, root, remove} = sealedContext()
  const provider = () => createProvider(context)
  return {
    provider,
    obtain: () => provider().create({name: 'contract', accelerator: {kind: 'cpu'}}, {}),
    crash: async ({id}) => {
      const {server} = JSON.parse(readFileSync(join(context.stateDir, id, 'processes.json'), 'utf8')) as {server: {pid: number}}
      process.kill(server.pid, 'SIGKILL')
      await until('the server is gone', async () => (await provider().get(id))?.state === 'unreachable')
    },
    folders: [root],
    stop: async () => {
      for (const {id} of await provider().list()) await provider().release(id)
      remove()
    },
  }
})
