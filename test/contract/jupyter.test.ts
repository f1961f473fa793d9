import {createProvider} from '@cgpu/provider-jupyter'
import {startJupyter, type TestJupyter} from '../helpers/jupyter-server.ts'
import {describeProvider} from './provider.ts'
import {sealedContext} from './local-context.ts'

describeProvider('jupyter', async () => {
  const {context, root, remove} = sealedContext()
  const servers: TestJupyter[] = []
  return {
    provider: () => createProvider(context),
    obtain: async () => {
      const provider = createProvider(context)
      const server = await startJupyter({baseUrl: `/user/me${servers.length}/`})
      servers.push(server)
      const added = await provider.add?.({url: server.url, token: server.token})
      if (!added) throw new Error('jupyter can add')
      return added
    },
    crash: async ({endpointUrl}) => {
      await servers.find(({url}) => url === endpointUrl)?.kill()
    },
    folders: [root],
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
      remove()
    },
  }
})
