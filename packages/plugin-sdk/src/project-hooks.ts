import {homedir} from 'node:os'
import {dirname} from 'node:path'
import {findProjectFile, mayDeclareHooks} from '@cgpu/core/config/find-project'
import {type CgpuError, errors} from '@cgpu/core/errors'
import type {DeclaredHook, ProjectEvent} from '@cgpu/core/hooks/declared'
import {resolveDirs} from '@cgpu/core/state/dirs'
import {sanitizeLine} from '@cgpu/core/text/line'

/** What is asked of whoever runs a command. */
export interface HooksHost {
  config: object
  warn(message: string): unknown
  jsonEnabled?(): boolean
}

interface ProjectHooks {
  path: string
  hooks: DeclaredHook[]
  /** nobody agreed to them, and nobody could be asked */
  refused?: CgpuError
}

const none: ProjectHooks = {path: '', hooks: []}
/** by folder: a command asks once */
const known = new Map<string, Promise<ProjectHooks>>()

/** Asks whether the project's hooks may run, where that is to be asked: for commands that soon read from the terminal themselves. */
export async function agreeOnHooks(host: HooksHost): Promise<void> {
  const cwd = process.cwd()
  const looked = known.get(cwd) ?? agreedHooks(host, cwd)
  known.set(cwd, looked)
  await looked
}

/** For whoever has looked already: the project that `cwd` is in declares none. */
export function noProjectHooks(cwd: string): void {
  known.set(cwd, Promise.resolve(none))
}

/** What the hooks of the project file answer, one after the other, in its order. One that fails becomes a warning. */
export async function projectAnswers(host: HooksHost, event: ProjectEvent, told: object): Promise<{plugin: string; project: string; result: unknown}[]> {
  const cwd = process.cwd()
  const first = !known.has(cwd)
  const looked = known.get(cwd) ?? agreedHooks(host, cwd)
  known.set(cwd, looked)
  const {path, hooks: all, refused} = await looked
  if (refused) {
    // what is over, or gives a machine back, does not fail for that
    if (/:before(-create)?$/.test(event)) throw refused
    if (first) host.warn(`hooks of ${sanitizeLine(path)} were not run, as nobody agreed to them: ${refused.fix}`)
    return []
  }
  const mine = all.filter((one) => one.event === event)
  if (mine.length === 0) return []
  const {callHook} = await import('@cgpu/core/hooks/call')
  const answers: {plugin: string; project: string; result: unknown}[] = []
  for (const hook of mine) {
    try {
      answers.push({plugin: 'cgpu.yaml', project: path, result: await callHook(hook, {event, ...told}, {cwd: dirname(path), env: process.env})})
    } catch (error) {
      host.warn(`a hook of ${sanitizeLine(path)} failed in ${event}: ${sanitizeLine(error instanceof Error ? error.message : String(error), 300)}`)
    }
  }
  return answers
}

/** Whether there is a hook of the project file to ask, or to refuse for. The user may be asked to agree, as before any hook. */
export async function declaresHook(host: HooksHost, event: ProjectEvent): Promise<boolean> {
  const cwd = process.cwd()
  const looked = known.get(cwd) ?? agreedHooks(host, cwd)
  known.set(cwd, looked)
  const {hooks, refused} = await looked
  return refused !== undefined || hooks.some((one) => one.event === event)
}

/** Those that may run here: a repository that was cloned must not run anything by itself. */
async function agreedHooks(host: HooksHost, cwd: string): Promise<ProjectHooks> {
  const wanted = process.env['CGPU_PROJECT_HOOKS']
  const path = wanted === 'off' ? undefined : findProjectFile(cwd, homedir())
  if (path === undefined || !mayDeclareHooks(path)) return none
  const [{readProjectFile}, {describeHook}, {AgreedHooks, fingerprintOf}] = await Promise.all([
    import('@cgpu/core/config/project'), import('@cgpu/core/hooks/declared'), import('@cgpu/core/hooks/agreed'),
  ])
  const {hooks} = await readProjectFile(path)
  if (hooks.length === 0) return none
  if (wanted === 'on') return {path, hooks}
  const {state} = resolveDirs(process.env, host.config)
  const agreed = new AgreedHooks(state, (message) => void host.warn(message))
  const fingerprint = fingerprintOf(hooks)
  const shown = sanitizeLine(path)
  const before = await agreed.get(path, fingerprint)
  const may = before ?? (await ask(host, `${shown} declares hooks, which run as you whenever cgpu executes something here:\n${hooks.map((one) => `  ${describeHook(one)}\n`).join('')}let them run? [y/N] `))
  if (may === undefined) {
    const fix = 'read them and agree: cgpu config trust; in CI: CGPU_PROJECT_HOOKS=on, or off to go without them'
    return {path, hooks: [], refused: errors.vetoed(`nobody agreed that hooks of ${shown} run`, {code: 'HOOKS_NOT_TRUSTED', fix, details: {path, hooks: hooks.map(describeHook)}})}
  }
  if (before === undefined) await agreed.set(path, fingerprint, may)
  if (may) return {path, hooks}
  host.warn(`hooks of ${shown} are not run, as you did not agree to them; if you do now: cgpu config trust`)
  return none
}

/** Undefined where nobody can be asked. */
async function ask(host: HooksHost, question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY || host.jsonEnabled?.()) return undefined
  const {createInterface} = await import('node:readline/promises')
  const lines = createInterface({input: process.stdin, output: process.stderr})
  try {
    return await new Promise<boolean>((resolve, reject) => {
      lines.once('SIGINT', () => reject(errors.interrupted('interrupted', {code: 'INTERRUPTED'})))
      lines.once('close', () => resolve(false))
      lines.question(question).then((answer) => resolve(/^y(es)?$/i.test(answer.trim())), reject)
    })
  } finally {
    lines.close()
  }
}
