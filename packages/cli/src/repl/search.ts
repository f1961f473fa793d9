import {type Buffer, bufferOf} from './buffer.ts'
import type {Action} from './keys.ts'
import type {Recall} from './recall.ts'

/** What a key did to a search. */
export interface Searched {
  buffer: Buffer
  /** given up: what was typed before it is there again */
  over?: boolean
  /** there is no such text */
  missed?: boolean
}

/** Ctrl-R: a text is looked for in what was typed before, letter by letter, from the newest to the oldest. */
export class Search {
  query = ''
  readonly #recall: Recall
  readonly #before: Buffer
  #index: number | undefined

  constructor(recall: Recall, before: Buffer) {
    this.#recall = recall
    this.#before = before
  }

  /** Undefined: the key is none of the search's; it ends it, and means what it always does. */
  take(action: Action): Searched | undefined {
    switch (action.type) {
      case 'insert':
      case 'paste': return this.#look(this.query + action.text, this.#index ?? 0)
      case 'search': return this.#index === undefined ? {buffer: this.#found()} : this.#look(this.query, this.#index + 1)
      case 'delete': return action.to === 'left' ? this.#look(this.query.slice(0, -1), 0) : undefined
      case 'cancel':
      case 'interrupt': return {buffer: this.#before, over: true}
      default: return undefined
    }
  }

  #look(query: string, from: number): Searched {
    this.query = query
    const index = query === '' ? undefined : this.#recall.find(query, from)
    // as far as it was found stays
    if (index === undefined && query !== '') return {buffer: this.#found(), missed: true}
    this.#index = index
    return {buffer: this.#found()}
  }

  #found(): Buffer {
    if (this.#index === undefined) return this.#before
    const text = this.#recall.at(this.#index) ?? ''
    return bufferOf(text, Math.max(0, text.indexOf(this.query)))
  }
}
