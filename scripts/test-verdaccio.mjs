// Installs verdaccio, the registry of one test, into a folder of its own when that test first wants it: as a devDependency it would be
// half as large as everything else. Versions and checksums are those of test/verdaccio/package-lock.json.
import {spawn} from 'node:child_process'
import {createHash} from 'node:crypto'
import {copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = ['package.json', 'package-lock.json']
const source = join(root, 'test', 'verdaccio')
const home = join(root, 'node_modules', '.cache', 'cgpu-test-verdaccio')

/** npm that comes with cgpu, so that it is the same everywhere. What it printed when it failed, or null. */
function npm(args) {
  const cli = join(root, 'packages/plugins/node_modules/npm/bin/npm-cli.js')
  const child = spawn(process.execPath, [cli, ...args], {cwd: home, stdio: ['ignore', 'pipe', 'pipe']})
  const chunks = []
  for (const from of [child.stdout, child.stderr]) from.on('data', (chunk) => chunks.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status === 0 ? null : Buffer.concat(chunks).toString('utf8')))
  })
}

/** Path of its program, for Node. Rejects with a sentence and a fix where npm's registry cannot be reached. */
export async function ensureVerdaccio({log = console.error} = {}) {
  const stamp = createHash('sha256').update(files.map((name) => readFileSync(join(source, name), 'utf8')).join('\0')).digest('hex')
  const stampFile = join(home, 'stamp')
  const program = join(home, 'node_modules/verdaccio/bin/verdaccio')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return program
  rmSync(home, {recursive: true, force: true})
  mkdirSync(home, {recursive: true})
  for (const name of files) copyFileSync(join(source, name), join(home, name))
  log('installing the verdaccio of the tests (once)')
  const problem = await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--prefer-offline', '--loglevel=error'])
  if (problem !== null) throw new Error(`verdaccio could not be installed:\n${problem}\nfix: make npm's registry reachable`)
  writeFileSync(stampFile, stamp)
  return program
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(await ensureVerdaccio())
  } catch (error) {
    console.error(error.message)
    process.exit(1)
  }
}
