// Writes what is generated and committed, or with --check says what is not current and exits 1.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {commandsDoc} from './commands-doc.mjs'
import {manifestFolders, manifestText} from './manifest.mjs'

const place = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const wanted = {}
for (const folder of manifestFolders) wanted[`${folder}/oclif.manifest.json`.replace(/^\//, '')] = await manifestText(folder)
wanted['docs/commands.md'] = commandsDoc(...Object.values(wanted).map((text) => JSON.parse(text)))

let stale = 0
for (const [name, text] of Object.entries(wanted)) {
  let current = ''
  try {
    current = readFileSync(place(name), 'utf8')
  } catch {
    // not written yet
  }
  if (current === text) continue
  stale++
  if (process.argv.includes('--check')) console.error(`${name} is not current: run npm run build`)
  else writeFileSync(place(name), text)
}
process.exit(process.argv.includes('--check') && stale > 0 ? 1 : 0)
