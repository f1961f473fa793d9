import {readdir, readFile, rm, rmdir} from 'node:fs/promises'
import {join} from 'node:path'
import {writeAtomic} from '../state/atomic.ts'
import {isSelf, livesHere, markSelf, parseMark} from '../state/self.ts'
import {uniqueTag} from '../state/token.ts'

/** Who reads a job's log. While they live, the machine with the log is not taken from under them. */
export class Readers {
  readonly #folder: string

  /** `folder` is this job's own. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Says that this process reads. Returns what takes that back; a process that dies need not. Throws CANNOT_WRITE (73). */
  async join(): Promise<() => Promise<void>> {
    const mark = markSelf()
    const path = join(this.#folder, `${mark.pid}-${uniqueTag()}.json`)
    await writeAtomic(path, JSON.stringify(mark))
    return async () => {
      await rm(path, {force: true})
      await rmdir(this.#folder).catch(() => undefined) // others are in it
    }
  }

  /** Whether a process other than this one reads. */
  async others(): Promise<boolean> {
    const names = await readdir(this.#folder).catch(() => [])
    const live = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => isOther(join(this.#folder, name))))
    return live.includes(true)
  }

  async remove(): Promise<void> {
    await rm(this.#folder, {recursive: true, force: true})
  }
}

async function isOther(path: string): Promise<boolean> {
  try {
    const mark = parseMark(JSON.parse(await readFile(path, 'utf8')))
    return mark !== undefined && !isSelf(mark) && livesHere(mark)
  } catch {
    return false // taken back just now, or broken: nobody is known to read
  }
}
