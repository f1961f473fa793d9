import {createHash} from 'node:crypto'
import {join} from 'node:path'
import {isObject} from '../state/json.ts'
import {JsonFile} from '../state/json-file.ts'
import type {DeclaredHook} from './declared.ts'

interface Agreed {
  /** of the hooks that the answer is about: others are asked for anew */
  fingerprint: string
  runs: boolean
  /** ISO time */
  at: string
}

/** What people agree to: the same hooks have the same, whatever else the file says. */
export function fingerprintOf(hooks: readonly DeclaredHook[]): string {
  return createHash('sha256').update(JSON.stringify(hooks)).digest('hex')
}

/** Which projects' hooks the user lets run, or does not: by the path of the project file and what it declared then. */
export class AgreedHooks {
  readonly #file: JsonFile<{projects: Record<string, Agreed>}>

  constructor(stateDir: string, onWarning?: (message: string) => void) {
    this.#file = new JsonFile<{projects: Record<string, Agreed>}>({
      path: join(stateDir, 'project-hooks.json'), version: 1, initial: () => ({projects: {}}), onWarning,
      parse: ({projects}) => (isObject(projects) ? {projects: Object.fromEntries(Object.entries(projects).filter((one): one is [string, Agreed] => isAgreed(one[1])))} : undefined),
    })
  }

  /** Undefined: nobody was asked, or of other hooks than these. */
  async get(path: string, fingerprint: string): Promise<boolean | undefined> {
    const {projects} = await this.#file.read()
    const found = Object.hasOwn(projects, path) ? projects[path] : undefined
    return found?.fingerprint === fingerprint ? found.runs : undefined
  }

  async set(path: string, fingerprint: string, runs: boolean): Promise<void> {
    await this.#file.update(({projects}) => ({projects: {...projects, [path]: {fingerprint, runs, at: new Date().toISOString()}}}))
  }
}

/** What cannot be understood was not agreed to. */
function isAgreed(value: unknown): boolean {
  return isObject(value) && typeof value['fingerprint'] === 'string' && typeof value['runs'] === 'boolean' && typeof value['at'] === 'string'
}
