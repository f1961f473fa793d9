// Preloaded into a process whose network is gone for long: after SIGUSR2 its timers run fifty times faster, until ten minutes
// have passed for it. It says so, and is as slow as any other again.
const {setTimeout: real} = globalThis
const rate = 50
let fast = false

globalThis.setTimeout = (work, ms, ...args) => real(work, fast && ms > 0 ? ms / rate : ms, ...args)
process.once('SIGUSR2', () => {
  fast = true
  process.stderr.write('fast\n')
  real(() => {
    fast = false
    process.stderr.write('ten minutes later\n')
  }, 600_000 / rate)
})
