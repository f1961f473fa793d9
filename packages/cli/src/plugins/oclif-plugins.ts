import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'
import {warnEarly} from '@cgpu/plugin-sdk'

/** A plugin that stands in oclif's own list (package.json of the data folder), which oclif's plugin commands write. */
export interface OclifPlugin {
  name: string
  root: string
}

/** What stands there. Whatever cannot be read is no plugin. */
export async function oclifPlugins(dataDir: string): Promise<OclifPlugin[]> {
  let pjson: unknown
  try {
    pjson = parseJson(await readFile(join(dataDir, 'package.json'), 'utf8'))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') warnEarly(`${join(dataDir, 'package.json')} cannot be read: its plugins are not loaded`)
    return []
  }
  const plugins = isObject(pjson) && isObject(pjson['oclif']) && Array.isArray(pjson['oclif']['plugins']) ? pjson['oclif']['plugins'] : []
  return plugins.flatMap((one: unknown) => {
    if (!isObject(one) || typeof one['name'] !== 'string') return []
    const root = one['type'] === 'link' && typeof one['root'] === 'string' ? one['root'] : join(dataDir, 'node_modules', one['name'])
    return [{name: one['name'], root}]
  })
}

/** Takes a plugin out of that list. False: it is not there. */
export async function removeFromOclif(dataDir: string, name: string): Promise<boolean> {
  if (!(await oclifPlugins(dataDir)).some((one) => one.name === name)) return false
  const path = join(dataDir, 'package.json')
  const pjson = parseJson(await readFile(path, 'utf8')) as {oclif: {plugins: unknown[]}} // oclifPlugins found one in it
  const plugins = pjson.oclif.plugins.filter((one) => !isObject(one) || one['name'] !== name)
  const {writeAtomic} = await import('@cgpu/core/state/atomic')
  await writeAtomic(path, `${JSON.stringify({...pjson, oclif: {...pjson.oclif, plugins}}, undefined, 2)}\n`)
  return true
}
