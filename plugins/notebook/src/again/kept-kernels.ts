import {readFile, rm} from 'node:fs/promises'
import {writeAtomic} from '@cgpu/plugin-sdk'
import {z} from 'zod'

const entry = z.object({runtime: z.string(), runtimeName: z.string(), kernel: z.string(), spec: z.string().nullable(), cwd: z.string().nullable()})
const file = z.object({version: z.literal(1), kernels: z.array(entry)})

/** A kernel that was left running for an executed copy; `spec` and `cwd`: as they were asked for. */
export type Kept = z.infer<typeof entry>

/** The kernels of one executed copy, one for each runtime. Used by one run at a time: `alone` sees to it. */
export class KeptKernels {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** What cannot be read is forgotten: then a fresh kernel is started. */
  async list(): Promise<Kept[]> {
    try {
      const parsed = file.safeParse(JSON.parse(await readFile(this.#path, 'utf8')))
      return parsed.success ? parsed.data.kernels : []
    } catch {
      return []
    }
  }

  async put(kept: Kept): Promise<void> {
    await this.#write([...(await this.list()).filter(({runtime}) => runtime !== kept.runtime), kept])
  }

  async drop(kernel: string): Promise<void> {
    await this.#write((await this.list()).filter((one) => one.kernel !== kernel))
  }

  async #write(kernels: Kept[]): Promise<void> {
    if (kernels.length === 0) await rm(this.#path, {force: true})
    else await writeAtomic(this.#path, `${JSON.stringify({version: 1, kernels})}\n`, {mode: 0o600})
  }
}
