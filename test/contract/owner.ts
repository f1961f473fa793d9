import {noAccounts} from '@cgpu/core/account'
// A command that makes a local runtime and then waits: the tests kill it.
import {FileSecretStore} from '@cgpu/core'
import {createProvider} from '@cgpu/provider-local'

const [stateDir = '', python = '', wait = ''] = process.argv.slice(2)
const provider = createProvider({
  stateDir, cwd: stateDir, env: process.env, secrets: new FileSecretStore(stateDir), accounts: noAccounts,
  setting: (key) => (key === 'python' ? python : undefined),
})
const runtime = await provider.create({name: 'owned', accelerator: {kind: 'cpu'}}, {ephemeral: true})
process.stdout.write(`${runtime.id}\n`)
// until it is killed
if (wait === 'wait') setInterval(() => undefined, 60_000)
