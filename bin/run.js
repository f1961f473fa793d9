#!/usr/bin/env node
import module from 'node:module'

module.enableCompileCache?.()
// a reader that has seen enough (`| head -1`) is no error; oclif would wait for a drain that never comes
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
// only the packed CLI updates itself; elsewhere the updater would look for a `cgpu` on PATH
if (!process.env.CGPU_BINPATH) process.env.CGPU_DISABLE_AUTOUPDATE ??= '1'
const {execute} = await import('@oclif/core/execute')
await execute({dir: import.meta.url})
