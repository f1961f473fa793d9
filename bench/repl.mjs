// Completion in `cgpu repl`, from the Tab that is typed to the name on the terminal, over the kernel's own answer to a plain client.
import {spawn} from '@lydell/node-pty'
import {interleave, percentile} from './measure.mjs'
import {RawKernel} from './raw.mjs'

const name = 'bench_completes_this'
const typed = 'bench_comp'

/** A REPL on a terminal; `expects` resolves when it has written the text since the last call. */
async function openRepl({env, home, bin, kernel}) {
  const pty = spawn(process.execPath, [bin, 'kernel', 'attach', kernel, '-r', 'bench'], {name: 'dumb', cols: 80, rows: 24, cwd: home, env: {...env, TERM: 'dumb'}})
  let seen = ''
  let check = () => {}
  pty.onData((data) => {
    seen += data
    check()
  })
  const expects = (text) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the REPL did not show ${text}: ${seen.slice(-500)}`)), 20_000)
    check = () => {
      if (!seen.includes(text)) return
      clearTimeout(timer)
      seen = ''
      check = () => {}
      resolve()
    }
    check()
  })
  await expects('bench:')
  return {type: (text) => pty.write(text), expects, close: () => pty.kill('SIGKILL')}
}

export async function replFigures({home, env, bin, rounds, add, server}) {
  const raw = await RawKernel.open(server)
  await raw.execute(`${name} = 1`)
  const repl = await openRepl({home, env, bin, kernel: server.kernel})
  const request = {code: typed, cursor_pos: typed.length}
  const timed = async (work) => {
    const started = performance.now()
    await work()
    return performance.now() - started
  }
  const samples = await interleave(rounds * 10, {
    raw: () => timed(() => raw.request('complete_request', request)),
    repl: async () => {
      repl.type(typed)
      await repl.expects(typed)
      const ms = await timed(() => {
        repl.type('\t')
        return repl.expects(name)
      })
      repl.type('\x15')
      await repl.expects('> ')
      return ms
    },
  })
  raw.close()
  repl.close()
  const [floor, value] = [percentile(samples.raw, 95), percentile(samples.repl, 95)]
  add({what: 'completion in cgpu repl, 95th percentile of all', measured: `${value.toFixed(1)} ms, ${(value - floor).toFixed(1)} ms over the kernel's ${floor.toFixed(1)} ms`, goal: '<= 50 ms over', met: value - floor <= 50})
}
