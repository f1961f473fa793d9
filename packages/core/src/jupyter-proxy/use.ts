/** Whether people work through the proxy. Open pages ask for news all the time, which is no use. */
export class Use {
  #times = 0

  /** Something was changed, or a message passed. */
  note(): void {
    this.#times++
  }

  get ever(): boolean {
    return this.#times > 0
  }

  /** Asks whether there was any since it was last called. */
  watch(): () => boolean {
    let seen = this.#times
    return () => {
      const before = seen
      seen = this.#times
      return seen !== before
    }
  }
}

/** Whether this request, passed on, is use by itself. */
export function isUse(method: string): boolean {
  return !/^(GET|HEAD|OPTIONS)$/.test(method)
}
