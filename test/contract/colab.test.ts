import {type Emulator, startEmulator} from '@cgpu/emulator'
import type {AccountAccess} from '@cgpu/core/account'
import {createProvider} from '@cgpu/provider-colab'
import {testPython} from '../helpers/jupyter-server.ts'
import {sealedContext, until} from './local-context.ts'
import {describeProvider} from './provider.ts'

for (const dialect of ['private', 'public']) {
  describeProvider(`colab, emulated, by the ${dialect} interface`, async () => {
    const emulator = await startEmulator({python: () => Promise.resolve(testPython)})
    const {context, root, remove} = sealedContext()
    const settings: Record<string, string> = {'colab-emulator': emulator.url, 'colab-dialect': dialect}
    Object.assign(context, {accounts: accountsOf(emulator), setting: (key: string) => settings[key]})
    const provider = () => createProvider(context)
    return {
      provider,
      obtain: () => provider().create({name: 'contract', accelerator: {kind: 'cpu'}}, {}),
      crash: async ({id}) => {
        await emulator.world.fleet.get(id)?.machine.stop()
        await until('the machine is gone', async () => (await provider().get(id))?.state === 'unreachable')
      },
      folders: [root],
      stop: async () => {
        await emulator.close()
        remove()
      },
    }
  })
}

/** Signed in as the emulator's first account whose plan has room for more than two machines. */
function accountsOf(emulator: Emulator): AccountAccess {
  const email = 'me@example.com'
  const account = {id: `google:${email}`, kind: 'token', email, scopes: []}
  return {current: () => Promise.resolve(account), list: () => Promise.resolve([account]), token: () => Promise.resolve(emulator.token(email))}
}
