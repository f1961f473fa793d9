/** A machine that takes work; undefined: whichever is the default. */
export type Place = string | undefined

export interface QueueOptions<J, R> {
  jobs: readonly J[]
  places: readonly Place[]
  /** how many at once, over all places */
  parallel: number
  work: (job: J, place: Place) => Promise<R>
  /** whether the place went, or cannot be used at all: nothing more is begun there, and the job has a second try at another one */
  isLost: (result: R) => boolean
  /** asked before a job is begun */
  isStopped: () => boolean
  /** the last result of a job */
  onResult?: (job: J, result: R) => void
  onLost?: (place: Place, left: number) => void
  onBack?: (job: J, result: R) => void
}

/** Does all jobs, in their order as far as there is room, each at the place with the least work. Jobs that were not begun have no result. */
export async function runQueue<J, R>({jobs, places, parallel, work, isLost, isStopped, onResult, onLost, onBack}: QueueOptions<J, R>): Promise<Map<J, R>> {
  const waiting = [...jobs]
  const busy = new Map(places.map((place) => [place, 0]))
  const again = new Set<J>()
  const results = new Map<J, R>()
  const running = new Set<Promise<void>>()

  const leastBusy = (): Place => [...busy].reduce((best, one) => (one[1] < best[1] ? one : best))[0]
  const settle = (job: J, place: Place, result: R): void => {
    const lost = isLost(result)
    if (lost && busy.delete(place)) onLost?.(place, busy.size)
    if (lost && busy.size > 0 && !again.has(job) && !isStopped()) {
      again.add(job)
      waiting.unshift(job)
      onBack?.(job, result)
      return
    }
    results.set(job, result)
    onResult?.(job, result)
  }
  const begin = (job: J, place: Place): void => {
    busy.set(place, (busy.get(place) ?? 0) + 1)
    const done = work(job, place).then((result) => {
      const at = busy.get(place)
      if (at !== undefined) busy.set(place, at - 1)
      settle(job, place, result)
    }).finally(() => running.delete(done))
    running.add(done)
  }

  for (;;) {
    while (running.size < parallel && busy.size > 0 && waiting.length > 0 && !isStopped()) begin(waiting.shift() as J, leastBusy()) // there is one
    if (running.size === 0) return results
    await Promise.race(running)
  }
}
