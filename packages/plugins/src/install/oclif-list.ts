import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {errnoOf} from '@cgpu/core/state/write-error'

/** A plugin that stands in oclif's own list, which oclif's plugin commands write. */
export interface ListedPlugin {
  name: string
  root: string
}

/** oclif's own list: package.json of the data folder. */
export const listPath = (dataDir: string): string => join(dataDir, 'package.json')

/** What stands there. Whatever cannot be read is no plugin. */
export function listedPlugins(dataDir: string, onWarning: (message: string) => void): ListedPlugin[] {
  let pjson: unknown
  try {
    pjson = parseJson(readFileSync(listPath(dataDir), 'utf8'))
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') onWarning(`${listPath(dataDir)} cannot be read: its plugins are not loaded`)
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
export async function removeFromList(dataDir: string, name: string): Promise<boolean> {
  if (!listedPlugins(dataDir, () => {}).some((one) => one.name === name)) return false
  const path = listPath(dataDir)
  const pjson = parseJson(readFileSync(path, 'utf8')) as {oclif: {plugins: unknown[]}} // listedPlugins found one in it
  const plugins = pjson.oclif.plugins.filter((one) => !isObject(one) || one['name'] !== name)
  const {writeAtomic} = await import('@cgpu/core/state/atomic')
  await writeAtomic(path, `${JSON.stringify({...pjson, oclif: {...pjson.oclif, plugins}}, undefined, 2)}\n`)
  return true
}
