/** Files below the folder that the machine's server serves itself. Half the work of a comm; not every server has it. */
export interface ServedFiles {
  /** absolute */
  root: string
  /** from a byte on, in order */
  open(path: string, from: number): Promise<{read(into: Uint8Array): Promise<void>; close(): void}>
}

/** One of them, read in order: what begins elsewhere is asked for anew. */
export class Served {
  readonly #files: ServedFiles
  readonly #path: string
  #stream: ReturnType<ServedFiles['open']> | undefined
  #next = -1

  constructor(files: ServedFiles, path: string) {
    this.#files = files
    this.#path = path
  }

  /** Fills it. Rejects when the server does not give it. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    if (offset !== this.#next) {
      this.close()
      this.#stream = this.#files.open(this.#path, offset)
    }
    this.#next = offset + into.length
    await (await this.#stream)?.read(into)
  }

  close(): void {
    this.#stream?.then(stream => stream.close(), () => undefined)
    this.#stream = undefined
  }
}
