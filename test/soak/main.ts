import {parseArgs} from 'node:util'
import {soak, type SoakResult} from './soak.ts'

const {values} = parseArgs({options: {
  count: {type: 'string', default: '1000'}, seed: {type: 'string', default: '7'}, minutes: {type: 'string'}, json: {type: 'boolean', default: false},
}})
const number = (name: string, text: string): number => {
  const value = Number(text)
  if (Number.isFinite(value) && value > 0) return value
  console.error(`error: --${name} must be a number above 0`)
  process.exit(64)
}
/** of executions that came out right */
const wanted = 0.999

const result = await soak({
  count: number('count', values.count), seed: number('seed', values.seed),
  ...(values.minutes === undefined ? {} : {minutes: number('minutes', values.minutes)}),
  onProgress: (line) => console.error(line),
})
if (values.json) console.log(JSON.stringify(result))
else show(result)
process.exitCode = result.rate >= wanted && result.leaks.length === 0 ? 0 : 1

function show({seed, done, right, rate, seconds, again, tallies, faults, failures, leaks}: SoakResult): void {
  const order = [...tallies].sort((a, b) => `${a.place}${a.kind}`.localeCompare(`${b.place}${b.kind}`))
  console.log('\nplace    execution                      done   right')
  for (const tally of order) console.log(`${tally.place.padEnd(8)} ${tally.kind.padEnd(29)} ${String(tally.done).padStart(5)} ${String(tally.right).padStart(7)}`)
  console.log('\nfault                                   times')
  for (const [name, times] of Object.entries(faults).sort(([a], [b]) => a.localeCompare(b))) console.log(`${name.padEnd(39)} ${String(times).padStart(5)}`)
  for (const line of [...failures, ...leaks]) console.log(`\n${line}`)
  console.log(`\n${right} of ${done} right (${(rate * 100).toFixed(2)} %), ${leaks.length} leaks, ${again} begun again after 69, seed ${seed}, ${seconds} s`)
}
