// Signs what scripts/pack.mjs packed and gives it to a channel: `node scripts/pack-release.mjs --site DIR --version V --key FILE [--channel C]`.
import {readFileSync} from 'node:fs'
import {parseArgs} from 'node:util'
import {release} from './pack/site.mjs'

const {values} = parseArgs({
  options: {site: {type: 'string'}, version: {type: 'string'}, key: {type: 'string', multiple: true}, channel: {type: 'string'}, rollout: {type: 'string', default: '100'}},
})
const rollout = Number(values.rollout)
if (!values.site || !values.version || !values.key || !(rollout >= 0 && rollout <= 100) || !['stable', 'beta', 'nightly', undefined].includes(values.channel)) {
  console.error('usage: pack-release.mjs --site DIR --version V --key FILE [--key FILE] [--channel stable|beta|nightly] [--rollout 0..100]')
  process.exit(64)
}
release(values.site, {version: values.version, channel: values.channel, rollout, keys: values.key.map((file) => readFileSync(file, 'utf8'))})
