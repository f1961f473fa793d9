// Packs what goes to an npm registry: `node scripts/pack-npm.mjs --out DIR`. docs/releasing.md says what is done with it.
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {root} from './bundling.mjs'
import {readJson} from './pack/closure.mjs'
import {packForNpm} from './pack/npm.mjs'
import {builtIn, fail} from './pack/options.mjs'

const {values} = parseArgs({options: {out: {type: 'string'}, 'index-url': {type: 'string'}, 'index-key': {type: 'string', multiple: true}}})
if (values.out === undefined) fail('--out DIR: where the tarballs go')
const pluginIndex = builtIn('index', {url: values['index-url'], keys: values['index-key']}, readJson(join(root, 'package.json')).cgpu?.pluginIndex)
for (const {file, integrity} of await packForNpm(values.out, {pluginIndex})) console.log(`${file} ${integrity}`)
