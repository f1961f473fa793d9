const least = 128 << 10
const most = 4 << 20
const slowMs = 2_000
const fastMs = 500

/**
 * How large the pieces are that go over a link: 4 MiB is where the speed is, but what takes longer than 10 s is taken for lost and
 * sent again, and on a slow link several are under way.
 */
export class Pace {
  /** bytes */
  size = 1 << 20

  /** A piece of that size took so long, from its start to its answer. */
  took(size: number, ms: number): void {
    if (ms > slowMs) this.size = Math.max(least, this.size >> 1)
    else if (ms < fastMs && size >= this.size / 2) this.size = Math.min(most, this.size << 1)
  }
}
