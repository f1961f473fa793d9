import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {isObject, parseJson} from '@cgpu/core/state/json'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Candidate} from '../types.ts'

/** What `cgpu notebook list` last saw: Drive itself is too far away for a Tab. */
export async function notebooks(cacheDir: string): Promise<Candidate[]> {
  const kept = parseJson(await readFile(join(cacheDir, 'notebooks.json'), 'utf8'))
  const names = isObject(kept) && Array.isArray(kept['names']) ? kept['names'] : []
  return names.flatMap((name) => (typeof name === 'string' && sanitizeLine(name) === name ? [{value: name}] : []))
}
