// A command that makes a runtime on an emulated Colab and then waits: the tests kill it.
import {FileSecretStore} from '@cgpu/core'
import {createProvider} from '@cgpu/provider-colab'

const [stateDir = '', url = '', token = ''] = process.argv.slice(2)
const account = {id: 'google:me@example.com', kind: 'token', email: 'me@example.com', scopes: []}
const provider = createProvider({
  stateDir, cwd: stateDir, env: process.env, secrets: new FileSecretStore(stateDir), setting: (key) => (key === 'colab-emulator' ? url : undefined),
  accounts: {current: () => Promise.resolve(account), list: () => Promise.resolve([account]), token: () => Promise.resolve(token)},
})
const runtime = await provider.create({name: 'owned', accelerator: {kind: 'cpu'}}, {ephemeral: true})
process.stdout.write(`${runtime.id}\n`)
// until it is killed
setInterval(() => undefined, 60_000)
