// Entry of the daemon's process.
import {enableCompileCache} from 'node:module'
import {compiledFolder} from '@cgpu/core/state/compiled'

enableCompileCache(compiledFolder())
const {serve} = await import('./serve.ts')
await serve({foreground: false})
// a handle that some library left must not keep it alive
process.exit()
