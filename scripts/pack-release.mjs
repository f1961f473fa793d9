// Signs what scripts/pack.mjs packed and gives it to a channel: `node scripts/pack-release.mjs --site DIR --version V --key FILE [--channel C]`.
import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {fail, privateKeys} from './pack/options.mjs'
import {release} from './pack/site.mjs'

const {values} = parseArgs({
  options: {site: {type: 'string'}, version: {type: 'string'}, key: {type: 'string', multiple: true}, channel: {type: 'string'}, rollout: {type: 'string', default: '100'}},
})
const rollout = Number(values.rollout)
if (!values.site || !values.version || !(rollout >= 0 && rollout <= 100) || !['stable', 'beta', 'nightly', undefined].includes(values.channel)) {
  console.error('usage: pack-release.mjs --site DIR --version V [--key FILE]... [--channel stable|beta|nightly] [--rollout 0..100]')
  process.exit(64)
}
const keys = privateKeys(values.key, 'CGPU_RELEASE_KEY_FILE')
if (!existsSync(join(values.site, 'versions', values.version, 'source.json'))) fail(`nothing was packed of ${values.version} in ${values.site}`, `node scripts/pack.mjs --site ${values.site} --version ${values.version}`, 66)
release(values.site, {version: values.version, channel: values.channel, rollout, keys})
