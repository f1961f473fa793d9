import {open, readFile} from 'node:fs/promises'
import {setTimeout as delay} from 'node:timers/promises'
import {errnoOf} from '@cgpu/core/state/write-error'

/** The last lines of the log, which is small, and where it ended; no end: there is no log. */
export async function lastLines(path: string, count: number): Promise<{lines: string[]; end?: number}> {
  const [before, now] = await Promise.all([textOf(`${path}.1`), textOf(path)])
  const all = `${before ?? ''}${now ?? ''}`.split('\n').slice(0, -1)
  return {lines: count === 0 ? [] : all.slice(-count), ...(now === undefined ? {} : {end: Buffer.byteLength(now)})}
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Every line that comes from there on; for ever. */
export async function followLines(path: string, from: number, onLine: (line: string) => void): Promise<never> {
  let at = from
  let rest = ''
  for (;;) {
    const file = await open(path, 'r').catch(() => undefined)
    try {
      const size = (await file?.stat())?.size ?? 0
      if (size < at) at = 0 // begun anew
      if (file && size > at) {
        const {buffer, bytesRead} = await file.read(Buffer.alloc(size - at), 0, size - at, at)
        at += bytesRead
        const lines = (rest + buffer.subarray(0, bytesRead).toString('utf8')).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) onLine(line)
      }
    } finally {
      await file?.close()
    }
    await delay(250)
  }
}
