// Bundles the emulator's process: two thirds of its start were the loading of its modules. Run after tsc, on its output.
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {bundleTo, namedExports, ownPlace, root, wordMasks} from './bundling.mjs'

const dist = join(root, 'packages/emulator/dist')

/** Writes packages/emulator/dist/fast: `process.js` and its chunks. */
export function bundleEmulator() {
  return bundleTo(join(dist, 'fast'), {
    entryPoints: [join(dist, 'process.js')],
    plugins: [namedExports, ownPlace, wordMasks],
    banner: {js: "import {createRequire as __makeRequire} from 'node:module';const require = __makeRequire(import.meta.url);"},
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleEmulator()
