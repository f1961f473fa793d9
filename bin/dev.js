#!/usr/bin/env -S node --conditions=cgpu-source --disable-warning=ExperimentalWarning
// The CLI from its sources, by type stripping: no build, no manifest. Bundled plugins still need theirs.
import {readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {execute} from '@oclif/core/execute'
import {settings} from '@oclif/core/settings'

const root = fileURLToPath(new URL('..', import.meta.url))
const pjson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

/** The source of a compiled file, anywhere in oclif's settings. */
function fromSource(value) {
  if (typeof value === 'string') return value.replace('/dist/', '/src/').replace(/\.js$/, '.ts')
  if (Array.isArray(value)) return value.map(fromSource)
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromSource(item)])) : value
}

for (const key of ['commands', 'hooks', 'helpClass']) if (pjson.oclif[key]) pjson.oclif[key] = fromSource(pjson.oclif[key])
process.env.OCLIF_DISABLE_LINKED_ESM_WARNING = '1'
settings.enableAutoTranspile = false // oclif's own development mode needs TypeScript's JavaScript API, gone in 7
await execute({development: true, dir: import.meta.url, loadOptions: {root, pjson, ignoreManifest: true}})
