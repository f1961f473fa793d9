import {createHash} from 'node:crypto'
import {setTimeout as delay} from 'node:timers/promises'
import {CgpuError} from '@cgpu/core/errors'
import type {EventListener, ExecutionEvent} from '@cgpu/core/execution/events'
import {Execution} from '@cgpu/core/execution/exec'
import {followJob, startJob} from '@cgpu/core/execution/job'
import type {RuntimeSession} from '@cgpu/core/runtime/session'
import {Watched} from '../helpers/watched.ts'
import type {SealedHome} from '../helpers/cli.ts'
import type {Dice} from './dice.ts'

export const kinds = ['exec', 'job', 'cgpu exec', 'cgpu run', 'cgpu run, killed and followed'] as const
export type Kind = (typeof kinds)[number]

/** What one execution does, and what must come of it. */
export interface Task {
  id: string
  kind: Kind
  code: string
  /** lines that it prints */
  lines: number
  sha256: string
  exitStatus: number
}

const line = (id: string, i: number): string => createHash('sha256').update(`${id}:${i}`).digest('hex')

/** A program that notes its id in the file `marks`, prints lines that only its id determines, some slowly, and ends with a status. */
export function makeTask(id: string, kind: Kind, marks: string, dice: Dice): Task {
  const [lines, pauses, exitStatus] = [dice.whole(1, 1500), dice.whole(0, 4), dice.pick([0, 0, dice.whole(1, 63)])]
  const every = Math.ceil(lines / (pauses + 1))
  // one that is killed is there to be killed
  const pause = kind === 'cgpu run, killed and followed' ? 0.4 : dice.whole(1, 12) / 100
  const code = [
    'import hashlib, os, sys, time',
    `mark = os.open(${JSON.stringify(marks)}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)`,
    `os.write(mark, b"${id}\\n"); os.close(mark)`,
    `for i in range(${lines}):`,
    `    print(hashlib.sha256(("${id}:%d" % i).encode()).hexdigest())`,
    `    if i % ${every} == ${every - 1}: sys.stdout.flush(); time.sleep(${pause})`,
    `sys.exit(${exitStatus})`,
  ].join('\n')
  const hash = createHash('sha256')
  for (let i = 0; i < lines; i++) hash.update(`${line(id, i)}\n`)
  return {id, kind, code, lines, sha256: hash.digest('hex'), exitStatus}
}

/** What is wrong with the output, as far as lines tell; undefined when its sha256 is right. */
export function difference({id, lines, sha256}: Task, output: Buffer): string | undefined {
  if (createHash('sha256').update(output).digest('hex') === sha256) return undefined
  const seen = output.toString('utf8').split('\n')
  const wanted = new Map(Array.from({length: lines}, (_, i) => [line(id, i), i]))
  const order = seen.map((one) => wanted.get(one) ?? (one === '' ? 'nothing' : `"${one.slice(0, 100)}"`))
  const first = order.findIndex((one, i) => one !== i)
  return `${seen.length - 1} lines of ${lines}, the first wrong one after ${first}: ${order.slice(Math.max(0, first - 2), first + 6).join(', ')}`
}

/** Nothing was begun: the network was gone at that moment, and whoever wants it tries again. That it is true, the marks tell. */
export class NotBegun extends Error {}

interface Seen {
  output: Buffer
  exitStatus: number | null
  /** what it said of itself */
  said: string
}

/** Does it in this process. */
export async function inProcess(task: Task, session: RuntimeSession): Promise<Seen> {
  const chunks: Buffer[] = []
  const notices: string[] = []
  const onEvent = (event: ExecutionEvent): void => {
    if (event.type === 'stdout') chunks.push(Buffer.from(event.data))
    if (event.type === 'notice') notices.push(event.code)
  }
  const {exitStatus} = await begun(task, session, onEvent).catch((error: unknown) => {
    throw error instanceof CgpuError && error.code === 'RUNTIME_UNREACHABLE' ? new NotBegun(error.message) : error
  })
  return {output: Buffer.concat(chunks), exitStatus, said: notices.join()}
}

async function begun(task: Task, session: RuntimeSession, onEvent: EventListener): Promise<{exitStatus: number}> {
  if (task.kind === 'exec') return new Execution(session, {id: task.id, code: task.code, onEvent}).result
  const {hello} = await session.agent()
  await startJob(session, {id: task.id, argv: [hello.executable, '-c', task.code], env: {}})
  return followJob(session, task.id, {onEvent})
}

/** Does it with the built CLI, and may kill that in the middle. */
export async function byCli(task: Task, home: SealedHome, runtime: string, python: string): Promise<Seen> {
  const args = task.kind === 'cgpu exec' ? ['exec', '-r', runtime, task.code] : ['run', '-r', runtime, '--', python, '-c', task.code]
  const watched = Watched.cgpu(args, {home})
  if (task.kind === 'cgpu run, killed and followed') {
    // it has begun: else nobody could know whether it will
    await watched.shows('stdout', /\n/).catch(async (error: unknown) => {
      throw await notBegun(watched) ?? error
    })
    watched.child.kill('SIGKILL')
    await watched.exit
    const id = await again(() => jobOf(task, home, runtime))
    return again(async () => seenBy(Watched.cgpu(['job', 'attach', id, '-r', runtime], {home})))
  }
  return seenBy(watched)
}

async function seenBy(watched: Watched): Promise<Seen> {
  const {status} = await watched.exit
  const unreachable = await notBegun(watched)
  if (unreachable) throw unreachable
  return {output: watched.bytes(), exitStatus: status, said: watched.stderr}
}

async function notBegun({exit, stdout, stderr}: Watched): Promise<NotBegun | undefined> {
  const {status} = await exit
  return status === 69 && stdout === '' ? new NotBegun(stderr) : undefined
}

/** Tries what changes nothing until the network is there. */
export async function again<T>(work: () => Promise<T>, onAgain?: (why: NotBegun) => void): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof NotBegun) || tries === 20) throw error
      onAgain?.(error)
      await delay(200)
    }
  }
}

async function jobOf(task: Task, home: SealedHome, runtime: string): Promise<string> {
  const list = Watched.cgpu(['job', 'list', '-r', runtime, '--json'], {home})
  const {status} = await list.exit
  if (status === 69) throw new NotBegun(list.stderr)
  const {data} = JSON.parse(list.stdout) as {data: {id: string; argv: string[]}[] | null} // its schema
  const found = data?.find(({argv}) => argv.some((one) => one.includes(`"${task.id}:%d"`)))
  if (!found) throw new Error(`no job of ${task.id} is listed: ${list.stdout.slice(0, 500)}${list.stderr}`)
  return found.id
}
