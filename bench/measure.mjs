// Timing of interleaved runs, and the words to report them with.
import {spawn} from 'node:child_process'
import {createHash} from 'node:crypto'

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** The value that so many per cent of all do not exceed. */
export function percentile(values, percent) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil((percent / 100) * sorted.length) - 1)]
}

/** Runs every case once a round, in turn, so that a slow moment of the machine hits all of them. */
export async function interleave(rounds, cases, {warmup = 2, onRound = () => {}} = {}) {
  const samples = Object.fromEntries(Object.keys(cases).map((name) => [name, []]))
  for (let round = -warmup; round < rounds; round++) {
    for (const [name, run] of Object.entries(cases)) {
      const value = await run()
      if (round >= 0) samples[name].push(value)
    }
    onRound(round)
  }
  return samples
}

/** Runs a command to its end; wall time in ms, sha256 and size of its stdout. Throws when it fails. */
export function timed(command, args, {env, input, cwd} = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(command, args, {env, cwd, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']})
    const hash = createHash('sha256')
    let bytes = 0
    let errors = ''
    child.stdout.on('data', (chunk) => {
      bytes += chunk.length
      hash.update(chunk)
    })
    child.stderr.on('data', (chunk) => (errors += chunk))
    child.once('error', reject)
    child.once('close', (status) => {
      if (status !== 0) reject(new Error(`${command} ${args.join(' ')} ended with ${status}: ${errors}`))
      else resolve({ms: performance.now() - started, bytes, sha256: hash.digest('hex')})
    })
    if (input !== undefined) child.stdin.end(input)
  })
}
