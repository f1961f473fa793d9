// Signs the curated index of plugins: `node scripts/sign-plugin-index.mjs --key FILE [--days 90] INDEX.json OUT.json`. The key is one of pack-keys.mjs.
import {readFileSync, renameSync, writeFileSync} from 'node:fs'
import {parseArgs} from 'node:util'
import {indexDocument, indexKeyText, openIndex, signIndex} from '@cgpu/plugins/install'
import {createPrivateKey} from 'node:crypto'
import {fail, privateKeys} from './pack/options.mjs'

const {values, positionals} = parseArgs({allowPositionals: true, options: {key: {type: 'string'}, days: {type: 'string', default: '90'}}})
const [source, target] = positionals
const days = Number(values.days)
if (source === undefined || target === undefined || positionals.length > 2 || !(days > 0 && days <= 400)) {
  console.error('usage: sign-plugin-index.mjs [--key FILE] [--days 90] INDEX.json OUT.json')
  process.exit(64)
}

const [pem] = privateKeys(values.key === undefined ? undefined : [values.key], 'CGPU_INDEX_KEY_FILE')
let list
try {
  list = JSON.parse(readFileSync(source, 'utf8'))
} catch (error) {
  fail(`${source} cannot be read as JSON: ${error.code ?? error.message}`, 'give a list as docs/plugins-install.md shows', error.code === 'ENOENT' ? 66 : 65)
}
const now = new Date()
// the time is this one: an index with an older time never takes the place of one that was seen
const checked = indexDocument.safeParse({...list, generatedAt: now.toISOString(), expiresAt: new Date(now.getTime() + days * 86_400_000).toISOString()})
if (!checked.success) {
  for (const {path, message} of checked.error.issues) console.error(`error: ${path.join('.')}: ${message}`)
  process.exit(65)
}
const signed = signIndex(checked.data, pem)
const key = indexKeyText(createPrivateKey(pem))
openIndex(signed, [key], now)
// whoever serves the folder serves a whole file at any moment
writeFileSync(`${target}.new`, signed)
renameSync(`${target}.new`, target)
console.log(`${target}: ${checked.data.plugins.length} plugins, ${checked.data.revoked.length} warnings, until ${checked.data.expiresAt.slice(0, 10)}, signed by ${key}`)
