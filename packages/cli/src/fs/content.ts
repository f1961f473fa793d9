import {TerminalFilter} from '@cgpu/core/text/terminal'
import {writeTo} from '../stream/sink.ts'

/** `--json` holds so much of a file; the rest is counted. */
export const contentLimit = 1024 * 1024

/** A file's content as `--json` tells it. */
export interface Content {
  path: string
  /** bytes that were read */
  size: number
  /** how `content` is written: as text, or in base64 where the bytes are no UTF-8 */
  encoding: 'utf8' | 'base64'
  content: string
  /** there was more than `content` holds */
  truncated: boolean
}

/** Where the bytes of files go: untouched into a pipe, made harmless on a terminal, kept up to a limit for `--json`. */
export class ContentSink {
  readonly #json: boolean
  readonly #filter = process.stdout.isTTY ? new TerminalFilter() : undefined
  readonly #kept: Uint8Array[] = []
  #room = contentLimit
  #size = 0

  constructor({json}: {json: boolean}) {
    this.#json = json
  }

  write(data: Uint8Array): void | Promise<void> {
    this.#size += data.length
    if (!this.#json) return writeTo(process.stdout, this.#filter ? this.#filter.write(data) : data)
    if (this.#room > 0) this.#kept.push(Uint8Array.from(data.subarray(0, this.#room))) // a copy: it is a view of a received frame
    this.#room -= data.length
  }

  /** The end of one file. */
  async end(path: string): Promise<Content> {
    if (!this.#json && this.#filter) await writeTo(process.stdout, this.#filter.end())
    const bytes = Buffer.concat(this.#kept)
    const result = {path, size: this.#size, ...textOf(bytes), truncated: this.#size > bytes.length}
    this.#kept.length = 0
    this.#room = contentLimit
    this.#size = 0
    return result
  }
}

/** A character that the limit cuts is no reason for base64. */
function textOf(bytes: Buffer): Pick<Content, 'encoding' | 'content'> {
  try {
    const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true})
    return {encoding: 'utf8', content: decoder.decode(bytes, {stream: bytes.length === contentLimit})}
  } catch {
    return {encoding: 'base64', content: bytes.toString('base64')}
  }
}
