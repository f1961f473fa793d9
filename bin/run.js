#!/usr/bin/env -S node --
// `--`: Node would look for its own --env-file among the arguments of cgpu and of remote programs

// An import of a built-in would read all that it exports, which takes longer than `cgpu exec` by the daemon can spare
const builtin = async (name) => process.getBuiltinModule?.(name) ?? import(name)
const {existsSync, mkdirSync, readFileSync, renameSync, writeFileSync, writeSync} = await builtin('node:fs')

const argv = process.argv.slice(2)
const root = new URL('..', import.meta.url)
const completion = 'packages/cli/dist/fast-complete/main.js'

function fail(message, fix) {
  process.stderr.write(`error: ${message}\nfix: ${fix}\n`)
  process.exit(70)
}

/** Without process.stdout: setting it up would take longer than all the rest. */
function printVersion() {
  const {version} = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
  try {
    writeSync(1, `cgpu ${version} ${process.platform}-${process.arch} node-${process.version}\n`)
  } catch (error) {
    if (error.code !== 'EPIPE') throw error
  }
}

/** A packed cgpu looks for a newer one once a day: after a command, in a process of its own that nobody waits for. */
async function lookForUpdate(folder) {
  if (argv[0] === 'update' || process.env.CI || /^(0|off|no|false)$/i.test(process.env.CGPU_AUTOUPDATE ?? '')) return
  const {statSync} = await builtin('node:fs')
  const looked = new URL('../../looked', root)
  try {
    const last = statSync(looked, {throwIfNoEntry: false})
    if (last && Date.now() - last.mtimeMs < 24 * 3600 * 1000) return
    writeFileSync(looked, '')
    if (!last) return // just installed: it is new
    const {spawn} = await builtin('node:child_process')
    spawn(process.execPath, ['--', `${folder}bin/run.js`, 'update', '--auto'], {detached: true, stdio: 'ignore', cwd: folder}).unref()
  } catch {
    // an installation that this user may not change
  }
}

/**
 * What V8 compiled is kept with this user's caches: packages/core/src/state/compiled.ts tells why. NODE_COMPILE_CACHE goes before.
 * In a folder that cannot be made, nothing is.
 */
function keepCompiled({enableCompileCache}) {
  const {env, platform} = process
  try {
    const home = env.HOME || env.USERPROFILE || process.getBuiltinModule('node:os').homedir()
    const usual = platform === 'darwin' ? `${home}/Library/Caches` : env.XDG_CACHE_HOME || (platform === 'win32' && env.LOCALAPPDATA) || `${home}/.cache`
    const folder = `${env.CGPU_CACHE_DIR || `${usual}/cgpu`}/compiled`
    if (!env.NODE_COMPILE_CACHE && !existsSync(folder)) mkdirSync(folder, {recursive: true, mode: 0o700})
    enableCompileCache(folder)
  } catch {
    // a home that nobody may write to
  }
}

/**
 * Runs a file that is one function (`scriptOf` in scripts/bundling.mjs), all of which was compiled before: Node's own cache has no functions that
 * were not called while their file was loaded, and to compile those that `cgpu exec` calls took a tenth of it.
 */
function runScript(path, {getCompileCacheDir}) {
  const url = new URL(`packages/cli/dist/${path}`, root)
  const {Script} = process.getBuiltinModule('node:vm')
  const text = readFileSync(url, 'latin1')
  const folder = getCompileCacheDir()
  // its first line is the hash of the rest, and the folder is for this very Node
  const place = folder && `${folder}/cgpu-${text.slice(2, 34)}`
  let cachedData
  try {
    if (place) cachedData = readFileSync(place)
  } catch {
    // made below
  }
  const script = new Script(text, {filename: url.href, cachedData})
  if (place && (!cachedData || script.cachedDataRejected)) process.once('exit', () => keepScript(place, text))
  const load = (specifier) => import(specifier.startsWith('.') ? new URL(specifier, url).href : specifier)
  return script.runInThisContext()(url.href, (specifier) => import.meta.resolve(specifier), load, {})
}

function keepScript(place, text) {
  const {readdirSync, rmSync, statSync} = process.getBuiltinModule('node:fs')
  const {setFlagsFromString} = process.getBuiltinModule('node:v8')
  const {Script} = process.getBuiltinModule('node:vm')
  try {
    setFlagsFromString('--no-lazy')
    // by another name, or V8 would give back what it has of it
    const whole = new Script(text, {filename: ''})
    // what is kept is good for a V8 with the same flags only
    setFlagsFromString('--lazy')
    const temp = `${place}.${process.pid}`
    writeFileSync(temp, whole.createCachedData(), {mode: 0o600})
    renameSync(temp, place)
    // that of former versions of cgpu, also Node's own, which keeps everything for ever
    const folder = place.replace(/\/cgpu-\w+$/, '')
    const old = Date.now() - 90 * 24 * 3600 * 1000
    for (const name of readdirSync(folder)) if (statSync(`${folder}/${name}`).mtimeMs < old) rmSync(`${folder}/${name}`)
  } catch {
    // the next one keeps it, or none can
  }
}

/** What a shell asks while somebody types: see packages/cli/src/completion. */
async function complete(entry) {
  const module = await builtin('node:module')
  if (module.enableCompileCache) keepCompiled(module)
  await (await import(entry)).answer(argv.slice(1))
}

/** Whoever started us writes down first that we run: were it killed before, we would be nobody's. */
async function waitAtGate(fd) {
  delete process.env.CGPU_GATE_FD
  const {closeSync, readSync} = await builtin('node:fs')
  if (readSync(fd, Buffer.alloc(2)) === 0) process.exit(70)
  closeSync(fd)
}

let atOnce = false

/** What we built is where it says, and consists of ES modules: Node need not follow links and look for packages for a hundred files. */
function findOwnAtOnce(registerHooks) {
  if (atOnce) return
  atOnce = true
  const own = new URL('packages/cli/dist/', root).href
  registerHooks({
    resolve(specifier, context, next) {
      if (!context.parentURL?.startsWith(own)) return next(specifier, context)
      if (specifier.startsWith('node:')) return {url: specifier, format: 'builtin', shortCircuit: true}
      const url = /^(\.|file:)/.test(specifier) ? new URL(specifier, context.parentURL).href : ''
      return url.startsWith(own) && url.endsWith('.js') ? {url, format: 'module', shortCircuit: true} : next(specifier, context)
    },
  })
}

async function main() {
  if (process.env.CGPU_GATE_FD) await waitAtGate(Number(process.env.CGPU_GATE_FD))
  // a reader that has seen enough (`| head -1`) is no error; oclif would wait for a drain that never comes. A command that
  // has remote work to leave in order listens for `cgpu:stdout-closed`
  process.stdout.on('error', (error) => {
    if (error.code === 'EIO') return // the terminal was closed: SIGHUP tells what to do
    if (error.code !== 'EPIPE') throw error
    if (!process.emit('cgpu:stdout-closed')) process.exit(process.exitCode ?? 0)
  })
  process.stderr.on('error', () => {}) // nobody listens: nobody to tell
  const [module, {fileURLToPath}] = await Promise.all([builtin('node:module'), builtin('node:url')])
  const {registerHooks} = module
  if (!registerHooks) fail(`cgpu needs Node 22.18 or newer, this is ${process.versions.node}`, 'install a newer Node')
  const quick = new URL('packages/cli/dist/fast/main.js', root)
  if (!existsSync(quick)) fail('cgpu is not built', 'npm run build')
  keepCompiled(module)
  const exec = new URL('packages/cli/dist/fast-exec/main.js', root)
  const findOwn = () => findOwnAtOnce(registerHooks)
  const load = (path) => runScript(path, module)
  const byDaemon = argv[0] === 'exec' && existsSync(exec) && (await load('fast-exec/main.js').quickExec(argv.slice(1), process.env, {findOwn, load}))
  if (!byDaemon) findOwn()
  const folder = fileURLToPath(root)
  if (!byDaemon && !(await (await import(quick)).runFast(argv, folder))) {
    const {runSlow} = await import('../packages/cli/dist/shell/slow.js')
    await runSlow(argv, folder)
  }
  if (existsSync(new URL('build.json', root))) await lookForUpdate(folder)
  // what is written must arrive; then an open handle that some plugin left must not keep the CLI alive
  process.stdout.write('', () => setTimeout(() => process.exit(), 250).unref())
}

if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) printVersion()
else if (argv[0] === '__complete' && existsSync(new URL(completion, root))) await complete(new URL(completion, root))
else await main()
