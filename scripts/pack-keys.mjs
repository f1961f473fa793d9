// Makes a pair of keys for releases: `node scripts/pack-keys.mjs FILE` writes the private one, for you alone, and prints the public one.
import {writeFileSync} from 'node:fs'
import {generateKeys} from '@cgpu/updater'

const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: pack-keys.mjs FILE')
  process.exit(64)
}
const {privateKey, publicKey} = generateKeys()
writeFileSync(file, privateKey, {mode: 0o600, flag: 'wx'})
console.log(publicKey)
