import {CgpuError, type ErrorCategory, ExitCode} from '@cgpu/core/errors'
import type {StreamEvent} from '@cgpu/core/schema/types'
import {spawnCgpu} from './call.ts'

/** What happens to work that is followed, in the shapes of `cgpu schema events`; there may be types that nobody knows yet. */
export type FollowEvent = StreamEvent

export interface FollowOptions {
  /** stops following; the work goes on */
  signal?: AbortSignal
}

const categories: Readonly<Record<number, ErrorCategory>> = {
  [ExitCode.usage]: 'usage', [ExitCode.auth]: 'auth', [ExitCode.quota]: 'quota', [ExitCode.network]: 'network', [ExitCode.internal]: 'internal', [ExitCode.cannotWrite]: 'file',
}

/** A command that prints events, in a process of its own. Returns the exit status of the work. Throws the command's CgpuError, or the signal's reason. */
export async function follow(args: readonly string[], onEvent: (event: FollowEvent) => void, {signal}: FollowOptions): Promise<number> {
  signal?.throwIfAborted()
  const child = await spawnCgpu([...args, '--output=ndjson'], 'pipe')
  const stop = (): void => void child.kill('SIGTERM')
  signal?.addEventListener('abort', stop, {once: true})
  child.stdin.on('error', () => {}) // it reads nothing
  child.stdin.end()
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints = (complaints + chunk).slice(-10_000)))
  const ended = new Promise<number>((resolve, reject) => child.on('error', reject).on('close', (status) => resolve(status ?? ExitCode.interrupted)))
  ended.catch(() => undefined) // told below
  let finished: Extract<FollowEvent, {type: 'finished'}> | undefined
  try {
    for await (const line of linesOf(child.stdout)) {
      const event = JSON.parse(line) as FollowEvent // our own command's line
      if (event.type === 'finished') finished = event
      onEvent(event)
    }
    const status = await ended
    signal?.throwIfAborted()
    if (finished && !finished.error?.code) return finished.exitStatus
    const fix = /^fix: (.*)$/m.exec(complaints)?.[1]
    throw new CgpuError(finished?.error?.message ?? `cgpu ${args[0]} ended with ${status}`, {
      code: finished?.error?.code ?? 'INTERNAL', category: categories[status] ?? 'runtime', exit: status === 0 ? ExitCode.internal : status, ...(fix === undefined ? {} : {fix}),
    })
  } catch (error) {
    child.kill('SIGTERM')
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** Node's own readline ends lines at more than newlines. */
async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  stream.setEncoding('utf8')
  let begun: string[] = []
  for await (const chunk of stream as AsyncIterable<string>) {
    const [first = '', ...rest] = chunk.split('\n')
    begun.push(first)
    for (const next of rest) {
      yield begun.join('')
      begun = [next]
    }
  }
}
