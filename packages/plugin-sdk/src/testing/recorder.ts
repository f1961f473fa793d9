import {mkdir, readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {CONTRACT} from '../contract.ts'
import type {CgpuEvent, CgpuHooks} from '../hook-types.ts'
import type {TestHome} from './home.ts'

/** One call of a hook, as it was told. */
export interface RecordedHook {
  event: CgpuEvent
  /** of the process that asked */
  pid: number
  /** what the hook was given, as JSON keeps it */
  options: Record<string, unknown>
}

/** A plugin that notes what hooks are told, and answers as it is told to. */
export interface HookRecorder {
  /** What was told since the last call. */
  take(): Promise<RecordedHook[]>
  /** The options of that event's calls, of those that `take` has not taken. */
  told<E extends CgpuEvent>(event: E): Promise<CgpuHooks[E]['options'][]>
  /** What hooks of that event answer from now on; undefined: nothing any more. */
  answer<E extends CgpuEvent>(event: E, answer: CgpuHooks[E]['return']): Promise<void>
}

const events: CgpuEvent[] = ['execution:before', 'execution:after', 'runtime:before-create', 'runtime:after-create', 'runtime:before-release', 'runtime:after-release', 'job:ended', 'notebook:before', 'notebook:after', 'cell:before', 'cell:after']

/** Links a recording plugin into the home. `name`: hooks of several plugins are merged by their names. */
export async function hookRecorder(home: Pick<TestHome, 'path' | 'link'>, name = 'cgpu-hook-recorder'): Promise<HookRecorder> {
  const root = join(home.path, 'recorders', name.replace('/', '-'))
  await mkdir(root, {recursive: true})
  const [log, answers] = [join(root, 'told.ndjson'), (event: string) => join(root, `answer-${event.replace(':', '-')}.json`)]
  const hooks = Object.fromEntries(events.map((event) => [event, `./${event.replace(':', '-')}.js`]))
  await Promise.all(events.map((event) => writeFile(join(root, hooks[event] ?? ''), `import {appendFileSync, existsSync, readFileSync} from 'node:fs'
export default async function ({config, context, ...options}) {
  appendFileSync(${JSON.stringify(log)}, JSON.stringify({event: '${event}', pid: process.pid, options}) + '\\n')
  if (existsSync(${JSON.stringify(answers(event))})) return JSON.parse(readFileSync(${JSON.stringify(answers(event))}, 'utf8'))
}
`)))
  await writeFile(join(root, 'package.json'), JSON.stringify({name, version: '1.0.0', type: 'module', files: [], oclif: {hooks}, cgpu: {contract: CONTRACT}}))
  await home.link(root)
  const read = async (): Promise<RecordedHook[]> => {
    const text = await readFile(log, 'utf8').catch(() => '')
    return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as RecordedHook) // written by the hooks above
  }
  let taken = 0
  return {
    async take() {
      const all = await read()
      const fresh = all.slice(taken)
      taken = all.length
      return fresh
    },
    async told<E extends CgpuEvent>(event: E) {
      return (await read()).slice(taken).filter((one) => one.event === event).map(({options}) => options as unknown as CgpuHooks[E]['options']) // as above
    },
    async answer(event, answer) {
      if (answer === undefined) await rm(answers(event), {force: true})
      else await writeFile(answers(event), JSON.stringify(answer))
    },
  }
}
