import {join} from 'node:path'
import {writeAtomic} from '@cgpu/core/state/atomic'
import {ensureDir} from '@cgpu/core/state/dirs'
import type {RuntimeFolder} from './layout.ts'
import type {Probed} from './python/probe.ts'

export interface ServerSetup {
  paths: RuntimeFolder
  python: Probed
  token: string
  env: Record<string, string>
  graceSeconds: number
}

/** Writes what the server and its supervisor start from. The token is in files that only this user can read. */
export async function writeServerFiles({paths, python, token, env, graceSeconds}: ServerSetup): Promise<void> {
  const kernel = join(paths.server, 'share', 'kernels', 'python3')
  await Promise.all([paths.work, paths.agent, kernel, join(paths.server, 'run'), join(paths.server, 'data')].map((folder) => ensureDir(folder)))
  const config = {
    ...(hasIdentityProvider(python) ? {IdentityProvider: {token}} : {}),
    ServerApp: {
      ...(hasIdentityProvider(python) ? {} : {token}),
      ip: '127.0.0.1', port_retries: 0, open_browser: false, root_dir: paths.work,
      // a container's only user is root; the server listens on loopback and demands the token
      allow_root: true,
      // Jupyter's default is one line per request, and a runtime may live for weeks
      log_level: 30,
    },
  }
  await Promise.all([
    writeAtomic(join(paths.server, 'config.json'), JSON.stringify(config)),
    writeAtomic(join(kernel, 'kernel.json'), JSON.stringify(kernelSpec(python))),
    writeAtomic(paths.launch, JSON.stringify({python: python.executable, serverEnv: env, graceSeconds})),
  ])
}

/** Since 2.0 the identity provider has the token; before, the application itself. */
function hasIdentityProvider(python: Probed): boolean {
  return Number.parseInt(python.packages['jupyter_server']?.version ?? '2', 10) >= 2
}

/** Kernels run in the chosen Python, whatever kernelspec another installation has left under that name. */
function kernelSpec(python: Probed): unknown {
  return {
    argv: [python.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}'],
    display_name: `Python ${python.version.join('.')}`, language: 'python', metadata: {debugger: true},
  }
}
