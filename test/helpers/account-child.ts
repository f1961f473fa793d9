// One process that uses accounts: `account-child.ts CONFIG_DIR STATE_DIR login|token [REFUSED]`. Prints one line of JSON.
import {resolveSettings} from '@cgpu/core/config/resolve'
import {CgpuError} from '@cgpu/core/errors'
import {openAccounts} from '@cgpu/accounts'
import {agree} from './accounts-bed.ts'

const [config = '', state = '', action = '', refused] = process.argv.slice(2)
const warnings: string[] = []
const settings = await resolveSettings({env: process.env, cwd: config, configDir: config, home: config})
const accounts = await openAccounts({dirs: {config, state}, env: process.env, settings, onWarning: (one) => void warnings.push(one)})
const started = performance.now()
const answer = await (action === 'login'
  ? accounts.signIn.withBrowser({onPage: ({url}) => void agree(url)}).then(({email}) => ({email}))
  : accounts.token(refused === undefined ? {} : {refused}).then((token) => ({token}))
).catch((error: unknown) => {
  if (!(error instanceof CgpuError)) throw error
  return {code: error.code, message: error.message, fix: error.fix}
})
process.stdout.write(`${JSON.stringify({...answer, ms: Math.round(performance.now() - started), warnings})}\n`)
