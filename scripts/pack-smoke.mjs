// Tries what scripts/pack.mjs made: `node scripts/pack-smoke.mjs --site DIR [--version V] [--python FILE]`. Every archive is looked through; those for
// this computer are unpacked into an empty folder and run where nothing else is.
import {createHash} from 'node:crypto'
import {existsSync, mkdtempSync, readFileSync, readdirSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'
import {root} from './bundling.mjs'
import {problemsOf} from './pack/check.mjs'
import {readJson} from './pack/closure.mjs'
import {nodeBuilds} from './pack/node-inside.mjs'
import {smoke, unpackTo} from './pack/smoke.mjs'

const {values} = parseArgs({options: {site: {type: 'string'}, version: {type: 'string', default: readJson(join(root, 'package.json')).version}, python: {type: 'string'}}})
if (values.site === undefined) {
  console.error('usage: pack-smoke.mjs --site DIR [--version V] [--python FILE]')
  process.exit(64)
}
const {version, python} = values
const folder = join(values.site, 'versions', version)
const {commit} = readJson(join(folder, 'source.json'))
const sums = existsSync(join(folder, 'SHA256SUMS')) ? readFileSync(join(folder, 'SHA256SUMS'), 'utf8') : undefined
const pattern = /^cgpu-.*?-[0-9a-f]{8}-((?:linux|win32|darwin)-(?:x64|arm64))(-no-node)?\.tar\.gz$/
let wrong = 0
for (const name of readdirSync(folder).toSorted()) {
  const [, target, without] = pattern.exec(name) ?? []
  if (target === undefined) continue
  const node = without === undefined
  const bytes = readFileSync(join(folder, name))
  // one that was packed before, of other sources, is not looked into
  const problems = name.startsWith(`cgpu-${version}-${commit.slice(0, 8)}-`) ? problemsOf(bytes, {version, commit, target, node}) : [`it is not of the commit ${commit}, as source.json says`]
  if (sums !== undefined && !sums.includes(`${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`)) problems.push('SHA256SUMS tells another one')
  const here = node && target === `${process.platform}-${process.arch}`
  if (here && problems.length === 0) {
    const temp = mkdtempSync(join(tmpdir(), 'cgpu-smoke-'))
    try {
      unpackTo(join(temp, 'opt'), join(folder, name))
      await smoke(join(temp, 'opt'), {version, node: nodeBuilds.version, python})
    } catch (error) {
      problems.push(error.message)
    } finally {
      rmSync(temp, {recursive: true, force: true})
    }
  }
  wrong += problems.length
  console.log(`${problems.length === 0 ? 'ok' : 'WRONG'} ${name}, ${(bytes.length / 2 ** 20).toFixed(1)} MiB${here ? ', and it runs' : ''}`)
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`)
}
process.exitCode = wrong === 0 ? 0 : 1
