// Packs the built CLI as archives that need nothing but a computer: `node scripts/pack.mjs --site DIR`. The same sources and dependencies give the
// same bytes. docs/releasing.md says what is done with them.
import {spawnSync} from 'node:child_process'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {root} from './bundling.mjs'
import {readJson} from './pack/closure.mjs'
import {nodeBuilds, targets} from './pack/layout.mjs'
import {packInto} from './pack/site.mjs'

const {values} = parseArgs({
  options: {
    site: {type: 'string'}, target: {type: 'string', multiple: true}, node: {type: 'string', default: 'both'},
    version: {type: 'string'}, commit: {type: 'string'}, seconds: {type: 'string'},
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
const update = pjson.cgpu?.update ?? {url: null, keys: []}
if (update.url === null || update.keys.length === 0) console.error('note: package.json names no update server: cgpu.update.url and .keys')
for (const target of values.target ?? targets) {
  if (!targets.includes(target)) fail(`--target: ${targets.join(', ')}`)
  for (const node of flavours) {
    if (node && !nodeBuilds.targets[target]) continue
    console.log(packInto(values.site, {target, node, version, commit, seconds, update}))
  }
}
