// The README's commands start here, on whatever Node the machine has (20 or newer): brings the project's own Node and
// packages from npm, builds what changed, and hands over to scripts/<step>.mjs. Does nothing twice.
import {spawnSync} from 'node:child_process'
import {createHash} from 'node:crypto'
import {existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {delimiter, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules', '.cache', 'cgpu-bootstrap')
const windows = process.platform === 'win32'
const steps = ['quickstart', 'test', 'bench', 'soak']

function fail(message, fix) {
  console.error(`error: ${message}\nfix: ${fix}`)
  process.exit(1)
}

function checkMachine() {
  const [major] = process.versions.node.split('.').map(Number)
  if (major < 20) fail(`Node ${process.versions.node} is too old`, 'install Node 20 or newer')
  const npm = spawnSync('npm', ['--version'], {shell: windows, encoding: 'utf8'})
  if (npm.status !== 0) fail('npm is missing', 'install npm (it comes with Node; Debian: apt-get install npm)')
  const python = ['python3', 'python'].some(
    (name) => spawnSync(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0,
  )
  if (!python) fail('Python 3.8 or newer is missing', 'install Python 3 (Debian: apt-get install python3 python3-venv)')
}

const packageFolders = () =>
  ['packages', 'plugins'].flatMap((group) =>
    existsSync(join(root, group))
      ? readdirSync(join(root, group), {withFileTypes: true}).filter((entry) => entry.isDirectory()).map((entry) => join(group, entry.name))
      : [],
  )

/** Hash of files by content, so that a touched or freshly cloned file does not count as changed. */
function digest(files) {
  const hash = createHash('sha256')
  for (const file of files.filter((name) => existsSync(join(root, name))).sort()) hash.update(file).update('\0').update(readFileSync(join(root, file))).update('\0')
  return hash.digest('hex')
}

function filesBelow(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), {recursive: true})
    .map((name) => join(folder, name))
    .filter((name) => /\.(ts|json|js|mjs|py)$/.test(name) && !name.endsWith('.test.ts') && !/(^|[\\/])(node_modules|dist)[\\/]/.test(name) && statSync(join(root, name)).isFile())
}

/** Runs `work` unless it already ran for the same inputs. */
function once(name, inputs, outputs, work) {
  const stamp = join(cache, name)
  const wanted = `${digest(inputs)} ${process.arch}`
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && outputs.every((file) => existsSync(join(root, file)))) return
  work()
  mkdirSync(cache, {recursive: true})
  writeFileSync(stamp, wanted)
}

function install() {
  const manifests = ['package.json', ...packageFolders().map((folder) => join(folder, 'package.json'))]
  once('installed', ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests], ['node_modules/.bin'], () => {
    console.error('installing packages')
    const done = spawnSync('npx', ['-y', 'pnpm@12', 'install', '--frozen-lockfile', '--reporter=append-only'], {
      cwd: root, shell: windows, encoding: 'utf8', maxBuffer: 1 << 28,
    })
    if (done.status !== 0) {
      console.error(`${done.stdout}${done.stderr}`.trim())
      fail('the packages could not be installed', 'see the lines above; the npm registry must be reachable')
    }
  })
}

/** Puts the project's Node first on PATH, for this process's children. */
function ownNode() {
  // the CI matrix tests other Nodes with the same commands
  if (process.env.CGPU_BOOTSTRAP_NODE === 'system') return process.execPath
  const node = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')
  if (!existsSync(node)) fail('the project\'s own Node is missing in node_modules', 'delete node_modules and run the command again')
  process.env.PATH = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
  return node
}

function build(node) {
  const sources = ['packages', 'plugins', 'bin'].flatMap(filesBelow)
  const outputs = [...packageFolders().filter((folder) => existsSync(join(root, folder, 'tsconfig.json'))).map((folder) => join(folder, 'dist')), 'oclif.manifest.json']
  const how = ['build', 'bundle', 'bundle-daemon', 'bundle-emulator', 'bundling', 'layers'].map((name) => `scripts/${name}.mjs`)
  once('built', [...sources, 'package.json', 'tsconfig.base.json', 'tsconfig.json', ...how], outputs, () => {
    console.error('building')
    const done = spawnSync(node, [join(root, 'scripts', 'build.mjs')], {cwd: root, stdio: 'inherit'})
    if (done.status !== 0) fail('the build failed', 'see the lines above')
  })
}

const [step, ...rest] = process.argv.slice(2)
if (!steps.includes(step)) fail(`unknown step ${step ?? ''}`, `one of ${steps.join(', ')}`)
checkMachine()
install()
const node = ownNode()
build(node)
const child = spawnSync(node, [join(root, 'scripts', `${step}.mjs`), ...rest], {cwd: root, stdio: 'inherit'})
process.exit(child.status ?? 1)
