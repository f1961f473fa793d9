// Packs the built CLI as archives that need nothing but a computer: `node scripts/pack.mjs --site DIR`. The same sources and dependencies give the
// same bytes. docs/releasing.md says what is done with them.
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {root} from './bundling.mjs'
import {readJson} from './pack/closure.mjs'
import {PackageUnavailable} from './pack/fetch-package.mjs'
import {nodeBuilds, targets} from './pack/layout.mjs'
import {packInto} from './pack/site.mjs'

const {values} = parseArgs({
  options: {
    site: {type: 'string'}, target: {type: 'string', multiple: true}, node: {type: 'string', default: 'both'},
    version: {type: 'string'}, commit: {type: 'string'}, seconds: {type: 'string'},
    'update-url': {type: 'string'}, 'update-key': {type: 'string', multiple: true},
  },
})
const git = (...args) => spawnSync('git', args, {cwd: root, encoding: 'utf8'}).stdout.trim()

function fail(message) {
  console.error(`error: ${message}`)
  process.exit(64)
}

if (values.site === undefined) fail('--site DIR: where the archives go')
const flavours = {with: [true], without: [false], both: [true, false]}[values.node] ?? fail('--node: with, without or both')
const pjson = readJson(join(root, 'package.json'))
const version = values.version ?? pjson.version
const commit = values.commit ?? git('rev-parse', 'HEAD')
if (!/^[0-9a-f]{8,64}$/.test(commit)) fail('--commit: the id of the commit that was built, as there is no git here')
const seconds = Number(values.seconds ?? process.env.SOURCE_DATE_EPOCH ?? git('log', '-1', '--format=%ct', commit))
const {url, keys} = pjson.cgpu?.update ?? {url: null, keys: []}
const update = {url: values['update-url'] ?? url, keys: values['update-key'] ?? keys}
if (update.keys.some((key) => !/^ed25519:[A-Za-z0-9+/]{43}=$/.test(key))) fail('--update-key: the public key that pack-keys.mjs printed, "ed25519:" and 44 characters')
if (update.url === null || update.keys.length === 0) console.error('note: no update server and key are built in; these archives will refuse to update: --update-url, --update-key')
for (const target of values.target ?? []) if (!targets.includes(target)) fail(`--target: ${targets.join(', ')}`)
let missing = 0
for (const target of values.target ?? targets) {
  for (const node of flavours) {
    if (node && !nodeBuilds.targets[target]) continue
    try {
      console.log(packInto(values.site, {target, node, version, commit, seconds, update}))
    } catch (error) {
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
