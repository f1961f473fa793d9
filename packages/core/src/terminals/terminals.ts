import {randomBytes} from 'node:crypto'
import {type Json, listOf, numberOf, textOf} from '../agent/channel.ts'
import type {AgentPart} from '../agent/parts.ts'
import {remoteCode} from '../agent/problem.ts'
import {type CgpuError, errors} from '../errors.ts'
import {withAgent} from '../execution/follow-log.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {isObject} from '../state/json.ts'
import {sanitizeLine} from '../text/line.ts'

/** The part of the agent that holds terminals. */
export const partName = 'terminal'

export interface Size {
  rows: number
  cols: number
}

/** A terminal on a machine: a pty with a process of its own there, which goes on whoever looks. */
export interface Terminal {
  /** 12 hex digits, never used again */
  id: string
  /** unique among those that run */
  name: string
  pid: number
  /** unix seconds, by the machine's clock */
  startedAt: number
  argv: string[]
  cwd: string
}

export interface ListedTerminal extends Terminal, Size {
  /** who is attached now */
  clients: number
  /** the program in its foreground, where the machine can tell */
  foreground: string | null
  /** since somebody came, went or typed */
  idleSeconds: number
}

export interface OpenRequest {
  /** one that is there is taken; absent: always a new one, with a number for a name */
  name?: string | undefined
  /** a program and its arguments, verbatim; or `shell`; neither: the login shell */
  argv?: string[] | undefined
  /** a line for the login shell */
  shell?: string | undefined
  env: Record<string, string>
  /** kind of the local terminal, as in TERM; one that the machine does not know becomes xterm-256color */
  term: string
  size: Size
}

/** Throws INVALID_NAME (64). */
export function checkTerminalName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(name)) return
  throw errors.usage(`"${sanitizeLine(name, 40)}" cannot be the name of a terminal`, {
    code: 'INVALID_NAME', fix: 'use letters, digits, dots, dashes and underscores, 32 at most, a letter or digit first',
  })
}

/** The terminals of one machine. Throws CgpuError. */
export class Terminals {
  readonly #session: RuntimeSession

  constructor(session: RuntimeSession) {
    this.#session = session
  }

  /** `attached`: it was there before. Asked again after a lost link, it does not open a second one. */
  async open({size, ...request}: OpenRequest): Promise<{attached: boolean; terminal: Terminal}> {
    const token = randomBytes(8).toString('hex')
    const {data} = await this.#ask((part) => part.request('open', {...given(request), ...size, token}))
    return {attached: data['attached'] === true, terminal: terminalOf(data['terminal'])}
  }

  /** Those that run, newest first. */
  async list(): Promise<ListedTerminal[]> {
    const {data} = await this.#ask((part) => part.request('terminals'))
    return listOf(data, 'terminals').map((one) => ({
      ...terminalOf(one), clients: numberOf(one, 'clients'), rows: numberOf(one, 'rows'), cols: numberOf(one, 'cols'),
      foreground: textOf(one, 'foreground') || null, idleSeconds: numberOf(one, 'idle'),
    }))
  }

  /** The one of this name that runs. Throws TERMINAL_NOT_FOUND (66). */
  async find(name: string): Promise<ListedTerminal> {
    const all = await this.list()
    const found = all.find((one) => one.name === name) ?? all.find((one) => one.id === name)
    if (!found) throw noSuchTerminal(this.#session.record.name, name, all)
    return found
  }

  /** Ends its programs; resolves when they are gone. */
  async kill(id: string): Promise<void> {
    await this.#ask((part) => part.request('kill', {terminal: id}))
  }

  async #ask<T>(work: (part: AgentPart) => Promise<T>): Promise<T> {
    const {name} = this.#session.record
    return this.#session.guard(() => withAgent(this.#session, (agent) => work(agent.part(partName)))).catch((error: unknown) => {
      throw remoteCode(error) === 'UNSUPPORTED' ? noTerminals(name) : error
    })
  }
}

function noTerminals(runtime: string): CgpuError {
  return errors.usage(`${runtime} has no terminals: its system is not supported`, {
    code: 'CAPABILITY_MISSING', fix: `run a command there: cgpu run -r ${runtime} -- COMMAND`, details: {capability: 'terminal'},
  })
}

function noSuchTerminal(runtime: string, name: string, all: readonly Terminal[]): CgpuError {
  const there = all.map((one) => one.name).join(', ')
  return errors.notFound(`${runtime} has no terminal ${name}`, {
    code: 'TERMINAL_NOT_FOUND', fix: there === '' ? `none is open there; open one: cgpu shell ${runtime}` : `one of: ${there}`, details: {runtime, terminal: name},
  })
}

function terminalOf(value: unknown): Terminal {
  const data: Json = isObject(value) ? value : {}
  const {argv} = data
  return {
    id: textOf(data, 'id'), name: textOf(data, 'name'), pid: numberOf(data, 'pid'), startedAt: numberOf(data, 'startedAt'), cwd: textOf(data, 'cwd'),
    argv: Array.isArray(argv) ? argv.filter((one) => typeof one === 'string') : [],
  }
}

function given(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
