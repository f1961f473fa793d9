import {mkdirSync, mkdtempSync, realpathSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {FileSecretStore} from '@cgpu/core'
import {noAccounts} from '@cgpu/core/account'
import type {ProviderContext} from '@cgpu/core/provider'
import {testPython} from '../helpers/jupyter-server.ts'

export interface Sealed {
  root: string
  context: ProviderContext
  remove: () => void
}

/** A provider's context in a folder of its own: nothing of the developer's is read. */
export function sealedContext(options: {python?: string | undefined; env?: Record<string, string>; cwd?: string} = {}): Sealed {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'cgpu-provider-')))
  for (const name of ['config', 'home', 'project']) mkdirSync(join(root, name), {mode: 0o700})
  const python = 'python' in options ? options.python : testPython
  const context: ProviderContext = {
    stateDir: join(root, 'state'),
    secrets: new FileSecretStore(join(root, 'config')),
    accounts: noAccounts,
    setting: (key) => (key === 'python' ? python : undefined),
    env: {...process.env, HOME: join(root, 'home'), ...options.env},
    cwd: options.cwd ?? join(root, 'project'),
  }
  return {root, context, remove: () => rmSync(root, {recursive: true, force: true, maxRetries: 5})}
}

/** Waits for a condition: polling is all there is for what other processes do. */
export async function until(what: string, done: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await delay(20)
  }
}
