import {readFile, realpath} from 'node:fs/promises'
import {dirname, join, basename, resolve} from 'node:path'
import {withLock, writeAtomic} from '@cgpu/plugin-sdk'
import {z} from 'zod'

const entry = z.object({
  /** Drive's origin: an emulator's files are others than Google's */
  drive: z.string(),
  id: z.string(),
  revision: z.string().nullable(),
  md5: z.string().nullable(),
  at: z.string(),
})

/** What a local file was when it was last the same as the one in Drive. */
export type Got = z.infer<typeof entry>

const schema = z.object({version: z.literal(1), files: z.record(z.string(), entry)})

/** older ones are forgotten: then `put` asks once more than it must */
const most = 1000

/** Which local files came from Drive, or went there: `notebooks/drive.json` in cgpu's data folder. One that cannot be read knows nothing. */
export class GotStore {
  readonly #path: string

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'notebooks', 'drive.json')
  }

  async get(local: string, drive: string): Promise<Got | undefined> {
    const found = (await this.#read())[await placeOf(local)]
    return found?.drive === drive ? found : undefined
  }

  async set(local: string, got: Omit<Got, 'at'>): Promise<void> {
    await withLock(`${this.#path}.lock`, async () => {
      const files = await this.#read()
      files[await placeOf(local)] = {...got, at: new Date().toISOString()}
      const kept = Object.entries(files).sort(([, a], [, b]) => b.at.localeCompare(a.at)).slice(0, most)
      await writeAtomic(this.#path, `${JSON.stringify({version: 1, files: Object.fromEntries(kept)})}\n`)
    })
  }

  async #read(): Promise<Record<string, Got>> {
    try {
      return schema.parse(JSON.parse(await readFile(this.#path, 'utf8'))).files
    } catch {
      return {}
    }
  }
}

/** The file itself, also through links; one that is not there yet by its folder. */
const placeOf = (local: string): Promise<string> =>
  realpath(local).catch(async () => join(await realpath(dirname(local)).catch(() => resolve(dirname(local))), basename(local)))
