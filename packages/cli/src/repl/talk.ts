import {stripVTControlCharacters} from 'node:util'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {type Completions, complete, continuation, inspect} from '@cgpu/core/kernels/introspect'
import {Kernels} from '@cgpu/core/kernels/kernels'
import {restartOf} from '@cgpu/core/kernels/restart-notice'
import type {KnownKernel} from '@cgpu/core/runtime/record'
import type {RuntimeSession, UserKernel} from '@cgpu/core/runtime/session'
import {sanitizeText} from '@cgpu/core/text/terminal'
import type {OtherMessage} from '@cgpu/jupyter'
import {kernelsTable} from '../render/kernels.ts'
import {isLively} from '../render/terminal.ts'
import {help, kindOf} from './line-kind.ts'

/** The kernel that the next cell goes to. */
export interface Target {
  /** as `exec --kernel` takes it; absent: the default one */
  kernel?: string | undefined
  /** instead: one that is there, and its name when it is one of cgpu's */
  attach?: {kernel: KnownKernel; key: string | null} | undefined
}

/** How a cell ended, as far as a conversation goes on by it. */
export interface CellEnd {
  exitStatus: number
  /** it could not be run, or nobody knows how it ended */
  error?: CgpuError
  /** what the kernel wants to be edited and run next */
  nextInput?: string | undefined
}

export type AnswerInput = (prompt: string, password: boolean) => Promise<string>

export interface TalkOptions {
  session: RuntimeSession
  target: Target
  /** runs a cell, and shows what it prints */
  run: (code: string, target: Target, onInput: AnswerInput) => Promise<CellEnd>
  /** for people: on stderr */
  notice: (message: string) => void
  warn: (message: string) => void
  /** of the result: on stdout */
  print: (text: string) => void
  /** a person's own editor, with what it begins with; absent: there is nobody */
  edit?: (text: string) => Promise<string>
  /** hears what the kernel prints for others */
  onOther?: (other: OtherMessage) => void
}

/** What became of something that was typed. `written`: the code is another one, of an editor. */
export type Turn = {type: 'done'} | {type: 'left'} | {type: 'cell'; end: CellEnd; written?: string | undefined}

/** A person, or a pipe, and a kernel. */
export class Talk {
  readonly #options: TalkOptions
  #target: Target
  #kernel: UserKernel | undefined
  #stopListening: (() => void) | undefined
  #running = false
  #lastCode = ''

  constructor(options: TalkOptions) {
    this.#options = options
    this.#target = options.target
  }

  /** The kernel's language, once it is open. */
  get language(): string {
    return this.#kernel?.kernel.language ?? ''
  }

  /** As people call the kernel. */
  get name(): string {
    const {attach, kernel} = this.#target
    return attach ? (attach.key ?? attach.kernel.id.slice(0, 8)) : (kernel ?? 'default')
  }

  /** Only this kernel is meant: without it there is nothing to talk to. */
  get attached(): boolean {
    return this.#target.attach !== undefined
  }

  get running(): boolean {
    return this.#running
  }

  /** Opens the kernel, or finds it open; another one, when the former is gone. */
  async open(): Promise<UserKernel> {
    const {session, onOther} = this.#options
    const {kernel, attach} = this.#target
    const opened = attach ? await session.attach(attach.kernel, attach.key) : await session.kernel(kernel)
    if (opened.connection === this.#kernel?.connection) return this.#kernel
    this.#kernel = opened
    this.#stopListening?.()
    const stops = [opened.connection.onRestart(() => void this.#restarted(opened)), ...(onOther ? [opened.connection.onOther(onOther)] : [])]
    this.#stopListening = () => stops.forEach((stop) => stop())
    if (opened.replaced) this.#options.warn(`the former kernel on ${session.record.name} is gone: a new kernel was started, variables are gone`)
    return opened
  }

  /** The link is back: what is there now may be another process. */
  linked(): void {
    if (this.#kernel) void this.#restarted(this.#kernel)
  }

  async take(text: string, onInput: AnswerInput): Promise<Turn> {
    const typed = kindOf(text, this.language)
    switch (typed.kind) {
      case 'blank': return {type: 'done'}
      case 'command': return this.#command(typed.name, typed.argument)
      case 'inspect':
        await this.#inspect(typed.name, typed.detail)
        return {type: 'done'}
      case 'edit': {
        const code = await this.#edit(typed.argument)
        return code === '' ? {type: 'done'} : {type: 'cell', end: await this.#run(code, onInput), written: code}
      }
      case 'code': return {type: 'cell', end: await this.#run(typed.code, onInput)}
    }
  }

  async #run(code: string, onInput: AnswerInput): Promise<CellEnd> {
    this.#lastCode = code
    this.#running = true
    try {
      return await this.#options.run(code, this.#target, onInput)
    } finally {
      this.#running = false
    }
  }

  async #edit(argument: string): Promise<string> {
    const {edit, notice, session} = this.#options
    const {name} = session.record
    if (argument !== '' && argument !== '-p') {
      throw errors.usage('%edit opens your editor here, and knows no files of the machine', {
        code: 'USAGE', fix: `%edit alone writes code, and %edit -p begins with the last one; a file: cgpu fs edit ${name}:FILE, then %run FILE`,
      })
    }
    if (!edit) throw errors.usage('%edit opens an editor, and there is no terminal', {code: 'NO_TERMINAL', fix: 'write the code where it stands'})
    const code = await edit(argument === '-p' ? `${this.#lastCode}\n` : '')
    if (code === '') notice('nothing was written')
    return code
  }

  async complete(text: string, cursor: number): Promise<Completions | undefined> {
    return complete((await this.open()).connection, text, cursor)
  }

  async continues(text: string): Promise<string | undefined> {
    if (kindOf(text, this.language).kind !== 'code') return undefined
    return continuation((await this.open()).connection, text)
  }

  close(): void {
    this.#stopListening?.()
  }

  /** While a cell runs, its own end tells of it. */
  async #restarted(opened: UserKernel): Promise<void> {
    if (this.#running) return
    try {
      const notice = await restartOf(this.#options.session, opened)
      if (notice) this.#options.warn(notice.message)
    } catch {
      // it went again: the next cell tells
    }
  }

  async #command(name: string, argument: string): Promise<Turn> {
    const {session, notice, print, warn} = this.#options
    switch (name) {
      case 'help':
        print(help)
        break
      case 'quit': return {type: 'left'}
      case 'restart': {
        const {kernel} = await this.open()
        const kernels = new Kernels(session)
        await kernels.restart(await kernels.find(kernel.id))
        notice(`restarted ${this.name}; its variables are gone`)
        break
      }
      case 'kernel': {
        if (argument === '') print(`${kernelsTable(await new Kernels(session).list(), Date.now())}\n`)
        else await this.#switch(argument)
        break
      }
      default: warn(`there is no command :${name}; :help shows those there are`)
    }
    return {type: 'done'}
  }

  async #switch(kernel: string): Promise<void> {
    const before = this.#target
    this.#target = kernel === 'default' ? {} : {kernel}
    try {
      const opened = await this.open()
      this.#options.notice(`now on ${this.name} (${opened.kernel.name})`)
    } catch (error) {
      this.#target = before
      throw error
    }
  }

  async #inspect(name: string, detail: 0 | 1): Promise<void> {
    const data = await inspect((await this.open()).connection, name, name.length, detail)
    const text = data?.['text/plain']
    if (typeof text === 'string') this.#options.print(`${explanation(text)}\n`)
    else this.#options.warn(`nothing is known of ${name}`)
  }
}

/** A kernel's words about a name. R underlines as printers do, by going back one. */
function explanation(text: string): string {
  const plain = text.replaceAll(/[^\n]\x08/gu, '')
  return sanitizeText(isLively(process.stdout) ? plain : stripVTControlCharacters(plain)).trimEnd()
}
