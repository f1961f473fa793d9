// Packs the built CLI as archives that need nothing but a computer: `node scripts/pack.mjs --site DIR`. The same sources and dependencies give the
// same bytes. docs/releasing.md says what is done with them.
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {root} from './bundling.mjs'
import {readJson} from './pack/closure.mjs'
import {PackageUnavailable} from './pack/fetch-package.mjs'
import {targets} from './pack/layout.mjs'
import {nodeBuilds, WrongNodeArchive} from './pack/node-inside.mjs'
import {builtIn, fail} from './pack/options.mjs'
import {packInto} from './pack/site.mjs'

const {values} = parseArgs({
  options: {
    site: {type: 'string'}, target: {type: 'string', multiple: true}, node: {type: 'string', default: 'both'}, 'node-archive': {type: 'string', multiple: true, default: []},
    version: {type: 'string'}, commit: {type: 'string'}, seconds: {type: 'string'},
    'update-url': {type: 'string'}, 'update-key': {type: 'string', multiple: true}, 'index-url': {type: 'string'}, 'index-key': {type: 'string', multiple: true},
  },
})
const git = (...args) => spawnSync('git', args, {cwd: root, encoding: 'utf8'}).stdout.trim()

if (values.site === undefined) fail('--site DIR: where the archives go')
const flavours = {with: [true], without: [false], both: [true, false]}[values.node] ?? fail('--node: with, without or both')
const pjson = readJson(join(root, 'package.json'))
const version = values.version ?? pjson.version
const commit = values.commit ?? git('rev-parse', 'HEAD')
if (!/^[0-9a-f]{8,64}$/.test(commit)) fail('--commit: the id of the commit that was built, as there is no git here')
const seconds = Number(values.seconds ?? process.env.SOURCE_DATE_EPOCH ?? git('log', '-1', '--format=%ct', commit))
const update = builtIn('update', {url: values['update-url'], keys: values['update-key']}, pjson.cgpu?.update)
const pluginIndex = builtIn('index', {url: values['index-url'], keys: values['index-key']}, pjson.cgpu?.pluginIndex)
if (update.url === null) console.error('note: no update server and key are built in; these archives will refuse to update: --update-url, --update-key')
for (const target of values.target ?? []) if (!targets.includes(target)) fail(`--target: ${targets.join(', ')}`)
const archives = new Map(values['node-archive'].map((one) => {
  const [, target, file] = /^([^=]+)=(.+)$/.exec(one) ?? []
  return targets.includes(target) ? [target, file] : fail(`--node-archive: TARGET=FILE, as darwin-arm64=node-v${nodeBuilds.version}-darwin-arm64.tar.gz`)
}))
let missing = 0
for (const target of values.target ?? targets) {
  for (const node of flavours) {
    if (node && !nodeBuilds.targets[target] && !archives.has(target)) {
      console.error(`left out: ${target} with Node: the npm registry has none of ${nodeBuilds.version}; give --node-archive ${target}=FILE`)
      continue
    }
    try {
      console.log(packInto(values.site, {target, node, version, commit, seconds, update, pluginIndex, nodeArchive: archives.get(target)}))
    } catch (error) {
      if (error instanceof WrongNodeArchive) fail(error.message, 'give the archive of that version and system from nodejs.org', 65)
      if (!(error instanceof PackageUnavailable)) throw error
      missing++
      console.error(`left out: ${target} ${node ? 'with' : 'without'} Node: ${error.message}`)
    }
  }
}
if (missing > 0) {
  console.error(`error: ${missing === 1 ? 'an archive was' : `${missing} archives were`} left out, as not all parts can be had now\nfix: try again with a network, or name a mirror: CGPU_PACK_MIRROR`)
  process.exitCode = 69
}
