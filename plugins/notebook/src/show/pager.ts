import {spawn} from 'node:child_process'
import {once} from 'node:events'

export interface PagerOptions {
  /** lines that fit */
  rows: number
  env: NodeJS.ProcessEnv
  platform?: NodeJS.Platform
}

/** The user's pager as git finds it: CGPU_PAGER, PAGER, else less. Undefined: none is wanted, or Windows has none. */
export function pagerCommand(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): string | undefined {
  const command = env['CGPU_PAGER'] ?? env['PAGER'] ?? (platform === 'win32' ? '' : 'less')
  return command === '' || command === 'cat' ? undefined : command
}

/** Writes text to the terminal, through the user's pager where it is longer than the screen. A pager that does not start is done without. */
export async function paged(pieces: Iterable<string>, {rows, env, platform}: PagerOptions): Promise<void> {
  const command = pagerCommand(env, platform)
  const all = pieces[Symbol.iterator]()
  let first = ''
  for (let next = all.next(); ; next = all.next()) {
    if (next.done) return void process.stdout.write(first)
    first += next.value
    if (command === undefined || first.split('\n').length > rows) break
  }
  const rest: Iterable<string> = {[Symbol.iterator]: () => all}
  if (command !== undefined && (await throughPager(command, {first, rest, env}))) return
  await write(process.stdout, first)
  for (const piece of rest) await write(process.stdout, piece)
}

async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain')
}

/** False: it did not start, and nothing was shown. */
async function throughPager(command: string, {first, rest, env}: {first: string; rest: Iterable<string>; env: NodeJS.ProcessEnv}): Promise<boolean> {
  // as git does: colours pass, and it ends by itself where all fits
  const child = spawn(command, {shell: true, stdio: ['pipe', 'inherit', 'inherit'], env: {LESS: 'FRX', LV: '-c', ...env}})
  let open = true
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(127))
    child.once('close', (status) => resolve(status))
  })
  child.stdin.on('error', () => (open = false)) // the reader has seen enough
  // Ctrl-C is the pager's
  const ignore = (): void => {}
  process.on('SIGINT', ignore)
  try {
    child.stdin.write(first)
    for (const piece of rest) {
      if (!open) break
      if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, 'drain').catch(() => undefined), ended])
    }
    child.stdin.end()
    return (await ended) !== 127
  } finally {
    process.off('SIGINT', ignore)
  }
}
