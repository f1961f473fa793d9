// What plugins cost: a start, an execution, a command in its sandbox, an installation. Each with plugins and without in turn; CPU time too,
// of the command and all that it starts, as a busy machine changes that least.
import {spawn, spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {mkdirSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {PluginInstaller, Registry, registryConfig} from '@cgpu/plugins/install'
import {pluginPackage} from '../test/helpers/plugin-package.ts'
import {startRegistry} from '../test/helpers/registry.ts'
import {interleave, median} from './measure.mjs'

const many = 20
const hook = (event, body) => `import {defineHook} from '@cgpu/plugin-sdk'\nexport default defineHook('${event}', async ({request}) => { ${body} })\n`
const hooks = {
  'dist/hook-execution-before.js': hook('execution:before', 'return request.code === "" ? {veto: "nothing to run"} : undefined'),
  'dist/hook-execution-after.js': hook('execution:after', ''),
}
const watcher = {name: 'cgpu-plugin-watcher', commands: {}, hooks: {'execution:before': '', 'execution:after': ''}, files: hooks}
const hello = {name: 'cgpu-plugin-hello'}
const others = Array.from({length: many}, (_, n) => ({name: `cgpu-plugin-n${n}`, commands: {[`n${n}`]: 'this.log("one")', [`n${n}:more`]: 'this.log("more")'}, hooks: {'job:ended': ''}}))

/** Runs a command to its end; wall time and CPU time of it and its children, in ms. */
async function run(command, args, {env, cwd, input}) {
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%3R %3U %3S"; time "$0" "$@"', command, ...args], {env, cwd, stdio: ['pipe', 'ignore', 'pipe']})
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  child.stdin.end(input)
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`)
  const [wall, user, system] = stderr.trimEnd().split('\n').at(-1).split(' ').map((one) => Number(one) * 1000)
  return {wall, cpu: user + system}
}

/** The median of what a round of `one` takes more than the same round of `other`. */
const over = (one, other, of) => median(one.map((sample, at) => sample[of] - other[at][of]))
const told = (one, other) => `${over(one, other, 'wall').toFixed(0)} ms over ${median(other.map(({wall}) => wall)).toFixed(0)} ms, CPU ${over(one, other, 'cpu').toFixed(0)} over ${median(other.map(({cpu}) => cpu)).toFixed(0)}`

export async function pluginFigures({home: above, env: given, bin, rounds, add, server}) {
  const registry = await startRegistry()
  for (const plugin of [watcher, hello, ...others]) registry.publish(pluginPackage(plugin))
  const node = process.execPath
  const of = (name) => {
    const home = join(above, 'plugins', name)
    mkdirSync(home, {recursive: true})
    const at = (folder) => join(home, folder)
    return {home, env: {...given, CGPU_CONFIG_DIR: at('config'), CGPU_DATA_DIR: at('data'), CGPU_CACHE_DIR: at('cache'), CGPU_NPM_REGISTRY: registry.url}}
  }
  const cgpu = ({home, env}, args, more = {}) => run(node, [bin, ...args], {env: {...env, ...more.env}, cwd: home, input: more.input ?? ''})

  async function withPlugins(name, plugins, level = 'trusted') {
    const place = of(name)
    const {CGPU_DATA_DIR: dataDir, CGPU_CACHE_DIR: cacheDir, CGPU_CONFIG_DIR: configDir} = place.env
    const host = {version: '0.0.0', commands: new Set(), plugins: new Set()}
    const installer = new PluginInstaller({dataDir, cacheDir, configDir, cwd: place.home, env: place.env, registry: new Registry(registryConfig(place.env, registry.url)), offline: false, host, onWarning: (message) => console.log(message)})
    for (const plugin of plugins) await installer.acceptNetwork(await installer.prepared(plugin.name, (prepared) => installer.commit(prepared, level)))
    return place
  }

  const [none, empty] = [of('none'), of('empty')]
  const watched = await withPlugins('watched', [watcher])
  const twenty = await withPlugins('twenty', others)
  const trusted = await withPlugins('trusted', [hello])
  const untrusted = await withPlugins('untrusted', [hello], 'untrusted')
  try {
    for (const place of [none, watched]) await cgpu(place, ['runtime', 'add', server.url, '--name', 'bench', '--token-stdin'], {input: server.token})
    const start = await interleave(rounds, {
      none: () => cgpu(none, ['--version']), watched: () => cgpu(watched, ['--version']), twenty: () => cgpu(twenty, ['--version']),
      listNone: () => cgpu(empty, ['runtime', 'list']), listTwenty: () => cgpu(twenty, ['runtime', 'list']),
    })
    const added = over(start.watched, start.none, 'wall')
    add({what: 'cgpu --version with a plugin that has hooks', measured: told(start.watched, start.none), goal: '<= 10 ms over', met: added <= 10})
    const ratio = median(start.twenty.map(({wall}, at) => wall / start.none[at].wall))
    add({what: `cgpu --version with ${many} plugins`, measured: `${ratio.toFixed(2)}x, ${told(start.twenty, start.none)}`, goal: '<= 1.5x', met: ratio <= 1.5})
    add({what: `cgpu runtime list (none) with ${many} plugins`, measured: told(start.listTwenty, start.listNone), goal: '', met: true})

    const exec = ['exec', '-r', 'bench', '1']
    const executions = await interleave(rounds, {none: () => cgpu(none, exec), watched: () => cgpu(watched, exec)})
    add({what: 'an execution with a plugin that has hooks around it', measured: told(executions.watched, executions.none), goal: '<= 5 ms over', met: over(executions.watched, executions.none, 'wall') <= 5})

    const daemon = {env: {CGPU_DAEMON: 'on'}}
    for (const place of [none, watched]) await cgpu(place, ['daemon', 'start'], daemon)
    try {
      const quick = await interleave(rounds, {none: () => cgpu(none, exec, daemon), watched: () => cgpu(watched, exec, daemon)})
      for (const {home, env} of [none, watched]) {
        const {stdout} = spawnSync(node, [bin, 'daemon', 'status', '--json'], {env: {...env, ...daemon.env}, cwd: home, encoding: 'utf8'})
        if (JSON.parse(stdout).data.executions < rounds) throw new Error('the daemon was not used')
      }
      add({what: 'the same by the daemon', measured: told(quick.watched, quick.none), goal: '<= 5 ms over', met: over(quick.watched, quick.none, 'wall') <= 5})
    } finally {
      for (const place of [none, watched]) await cgpu(place, ['daemon', 'stop'], daemon)
    }

    const commands = await interleave(rounds, {node: () => run(node, ['-e', '0'], {env: given, cwd: above}), trusted: () => cgpu(trusted, ['hello']), untrusted: () => cgpu(untrusted, ['hello'])})
    add({what: 'a plugin\'s command, trusted, over node -e 0', measured: told(commands.trusted, commands.node), goal: '', met: true})
    add({what: 'the same in its sandbox, over trusted', measured: told(commands.untrusted, commands.trusted), goal: '<= 120 ms over', met: over(commands.untrusted, commands.trusted, 'wall') <= 120})

    const installing = of('installing')
    const installs = await interleave(Math.min(rounds, 5), {
      install: () => {
        // nothing is there, and nothing was fetched before
        rmSync(installing.home, {recursive: true, force: true})
        mkdirSync(installing.home)
        return cgpu(installing, ['plugins', 'install', hello.name, '--yes'])
      },
    }, {warmup: 1})
    const [wall, cpu] = ['wall', 'cpu'].map((one) => median(installs.install.map((sample) => sample[one])))
    add({what: 'cgpu plugins install of a plugin without dependencies', measured: `${(wall / 1000).toFixed(2)} s, CPU ${(cpu / 1000).toFixed(2)} s`, goal: '<= 3 s', met: wall <= 3000})
  } finally {
    await registry.stop()
  }
}
