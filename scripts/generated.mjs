// Writes what is generated and committed, or with --check says what is not current and exits 1.
import {readFileSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {apiDoc, apiReport, brokenPromises} from './api-report.mjs'
import {commandsDoc} from './commands-doc.mjs'
import {manifestFolders, manifestText} from './manifest.mjs'

const place = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
/** package.json with the versions of the plugins that are fetched at their first use: those that are released with it. */
function pinsCurrent(text) {
  const version = (name) => JSON.parse(readFileSync(place(`node_modules/${name}/package.json`), 'utf8')).version
  return text.replace(/("(@cgpu\/plugin-[a-z-]+)": \{"version": ")[^"]+/g, (_, start, name) => start + version(name))
}

const wanted = {}
for (const folder of manifestFolders) wanted[`${folder}/oclif.manifest.json`.replace(/^\//, '')] = await manifestText(folder)
wanted['package.json'] = pinsCurrent(readFileSync(place('package.json'), 'utf8'))
wanted['docs/commands.md'] = commandsDoc(...manifestFolders.map((folder) => JSON.parse(wanted[`${folder}/oclif.manifest.json`.replace(/^\//, '')])))
wanted['packages/plugin-sdk/api/current.txt'] = apiReport()
wanted['docs/plugin-api.md'] = apiDoc()

// plugins that are out there were written for it: it is not regenerated
const broken = brokenPromises(wanted['packages/plugin-sdk/api/current.txt'])
for (const line of broken) console.error(`the SDK breaks contract 1 (packages/plugin-sdk/api/contract-1.txt): gone or changed: ${line}`)

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
process.exit(broken.length > 0 || (process.argv.includes('--check') && stale > 0) ? 1 : 0)
