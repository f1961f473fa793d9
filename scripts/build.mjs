// Compiles every package, regenerates the manifest and bundles the commands, completion, the daemon and the emulator. Exits non-zero on any type error. Outputs whose source is gone are
// removed first: `tsc -b` leaves them, and a command that was deleted would still be found.
import {spawnSync} from 'node:child_process'
import {existsSync, readdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const projects = ['packages', 'plugins'].flatMap((group) =>
  existsSync(join(root, group))
    ? readdirSync(join(root, group)).map((name) => join(root, group, name)).filter((folder) => existsSync(join(folder, 'tsconfig.json')))
    : [],
)

function removeStale(folder) {
  const dist = join(folder, 'dist')
  if (!existsSync(dist)) {
    // with its build info left in place, tsc would believe that everything is there
    const name = folder.split(/[\\/]/).at(-1)
    for (const info of [`${name}.tsbuildinfo`, `plugin-${name}.tsbuildinfo`]) rmSync(join(root, 'node_modules/.cache/tsbuildinfo', info), {force: true})
    return
  }
  for (const file of readdirSync(dist, {recursive: true})) {
    if (file.startsWith('fast')) continue // the bundle's, made anew each time
    const stem = /^(.*?)\.(?:d\.ts|js|js\.map|d\.ts\.map)$/.exec(file)?.[1]
    if (stem !== undefined && !existsSync(join(folder, 'src', `${stem}.ts`))) rmSync(join(dist, file), {force: true})
  }
}

for (const folder of projects) removeStale(folder)
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const compiled = spawnSync(process.execPath, [tsc, '-b', ...projects], {cwd: root, stdio: 'inherit'})
if (compiled.status !== 0) process.exit(compiled.status ?? 1)
// what is generated and committed, in a process of its own: the commands are loaded to describe them
const generated = spawnSync(process.execPath, [join(root, 'scripts', 'generated.mjs')], {cwd: root, stdio: 'inherit'})
if (generated.status !== 0) process.exit(generated.status ?? 1)
const [{bundle}, {bundleComplete}, {bundleDaemon}, {bundleEmulator}, {describePins}] = await Promise.all([import('./bundle.mjs'), import('./bundle-complete.mjs'), import('./bundle-daemon.mjs'), import('./bundle-emulator.mjs'), import('./pins.mjs')])
describePins()
await Promise.all([bundle(), bundleComplete(), bundleDaemon(), bundleEmulator()])
