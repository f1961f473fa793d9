// Packs what goes to an npm registry: `node scripts/pack-npm.mjs --out DIR`. docs/releasing.md says what is done with it.
import {parseArgs} from 'node:util'
import {packForNpm} from './pack/npm.mjs'

const {values} = parseArgs({options: {out: {type: 'string'}}})
if (values.out === undefined) {
  console.error('usage: pack-npm.mjs --out DIR')
  process.exit(64)
}
for (const {file, integrity} of await packForNpm(values.out)) console.log(`${file} ${integrity}`)
