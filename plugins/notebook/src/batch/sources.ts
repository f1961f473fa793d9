import type {HookHost} from '@cgpu/plugin-sdk'
import {isAddress, shownPlace} from '../addresses/address.ts'
import type {Notebook} from '../format/model.ts'
import {parseNotebook, readNotebook, readSource} from '../format/read.ts'

/** The notebooks of a batch. What is at an address is fetched once, and all runs are of what was there then. */
export class Sources {
  readonly #host: HookHost | undefined
  readonly #texts = new Map<string, Promise<string>>()

  /** `host` asks plugins for schemes. */
  constructor(host?: HookHost) {
    this.#host = host
  }

  /** Throws what `readNotebook` does. */
  readonly read = async (place: string): Promise<Notebook> => {
    if (!isAddress(place)) return readNotebook(place)
    let text = this.#texts.get(place)
    if (!text) {
      text = readSource(place, this.#host)
      this.#texts.set(place, text)
    }
    return parseNotebook(await text, shownPlace(place))
  }
}
