import {chmodSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {repoRoot} from './cli.ts'

/** What the devDependencies of a new plugin are, from this repository: nothing of it is in a public registry. */
const packages = {
  '@cgpu/cli': '.', '@cgpu/plugin-sdk': 'packages/plugin-sdk', '@oclif/core': 'node_modules/@oclif/core', '@types/node': 'node_modules/@types/node', typescript: 'node_modules/typescript',
}

/** As `npm install` in the folder of a new plugin would leave it. */
export function installDevDependencies(folder: string): void {
  for (const [name, from] of Object.entries(packages)) {
    const to = join(folder, 'node_modules', name)
    mkdirSync(dirname(to), {recursive: true})
    symlinkSync(join(repoRoot, from), to, 'dir')
  }
  const bin = join(folder, 'node_modules/.bin')
  mkdirSync(bin, {recursive: true})
  symlinkSync(join(repoRoot, 'node_modules/typescript/bin/tsc'), join(bin, 'tsc'))
  symlinkSync(join(repoRoot, 'bin/run.js'), join(bin, 'cgpu'))
}

/** Puts an `npm` into the folder whose `npm install` does that; the rest is npm's. */
export function writeNpm(bin: string): void {
  const script = `#!/bin/sh
if [ "$1" = install ]; then exec "${process.execPath}" --conditions=cgpu-source --input-type=module -e "import {installDevDependencies} from '${new URL(import.meta.url).href}'; installDevDependencies(process.cwd())"; fi
PATH="$(echo "$PATH" | sed "s#^${bin}:##")" exec npm "$@"
`
  writeFileSync(join(bin, 'npm'), script)
  chmodSync(join(bin, 'npm'), 0o755)
}
