// Runs a small training script on a local runtime through the built `cgpu run` and brings its outputs back.
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const args = ['run', '--output-dir', 'outputs', ...process.argv.slice(2), join('examples', 'train.py')]
console.error(`$ cgpu ${args.join(' ')}`)
const child = spawnSync(process.execPath, [join(root, 'bin', 'run.js'), ...args], {cwd: root, stdio: 'inherit'})
process.exit(child.status ?? 1)
