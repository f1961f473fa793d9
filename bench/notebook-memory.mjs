// What notebooks that print much, or have many cells, take: peak resident memory of the command, and of the driver of a detached run.
import {readdirSync, readFileSync, rmSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {bed, many, notebook} from './notebook.mjs'

const rss = fileURLToPath(new URL('rss.mjs', import.meta.url))
const lines = (count) => `line = "x" * 99\nfor _ in range(${count}): print(line)`
const picture = 'import base64, os\nfrom IPython.display import display\ndisplay({"image/png": base64.b64encode(os.urandom(750_000)).decode()}, raw=True)'
const updates = 'from IPython.display import display\nshown = display({"text/plain": ""}, raw=True, display_id=True)\nfor n in range(20_000): shown.update({"text/plain": str(n)}, raw=True)'

export async function notebookMemoryFigures({add, ...given}) {
  const {home, file, cgpu, other} = bed(given)
  const measured = {BENCH_RSS: join(home, 'rss'), NODE_OPTIONS: `--import ${rss}`}
  const peak = () => Number(readFileSync(join(home, 'rss'), 'utf8')) / 1e6
  /** Peak in MB, wall time in s, size of the copy in bytes. */
  const ran = async (name, text) => {
    const out = join(home, `out-${name}`)
    const {wall} = await cgpu([file(name, text), '-o', out, '--quiet'], measured)
    const done = {peak: peak(), seconds: wall / 1000, size: statSync(out).size}
    rmSync(out)
    return done
  }
  const told = ({peak, seconds, size}) => `${peak.toFixed(0)} MB resident, ${seconds.toFixed(0)} s, copy of ${(size / 1e6).toFixed(0)} MB`

  const [thousand, ten] = [await ran('thousand.ipynb', many(1000, (n) => `print(${n})`)), await ran('ten-thousand.ipynb', many(10_000, (n) => `print(${n})`))]
  add({what: 'memory of a notebook of 10,000 cells', measured: `${told(ten)}; ${thousand.peak.toFixed(0)} MB, ${thousand.seconds.toFixed(0)} s of 1,000 cells`, goal: '<= 60 MB more', met: ten.peak - thousand.peak <= 60})
  for (const [what, name, text, least] of [
    ['a cell that prints 200 MB', 'large.ipynb', notebook([lines(2_000_000)]), 200e6],
    ['50 cells that print 4 MB each', 'fifty-large.ipynb', many(50, () => lines(40_000)), 200e6],
    ['200 cells that show a picture of 1 MB each', 'pictures.ipynb', many(200, () => picture), 200e6],
    ['a cell that prints 2,000,000 short lines', 'short.ipynb', notebook(['for n in range(2_000_000): print(n)']), 14e6],
    ['a cell with 5,000 displays', 'displays.ipynb', notebook(['from IPython.display import display\nfor n in range(5_000): display({"text/plain": str(n)}, raw=True)']), 0],
    ['a display that is updated 20,000 times', 'updates.ipynb', notebook([updates]), 0],
  ]) {
    const done = await ran(name, text)
    add({what, measured: told(done), goal: '< 400 MB', met: done.peak < 400 && done.size >= least})
  }

  const detached = JSON.parse((await cgpu([file('detached.ipynb', notebook([lines(2_000_000)])), '-o', 'out-detached.ipynb', '--detach', '--json'])).stdout).data
  const driver = await peakOfDriver()
  add({what: 'the driver of a detached run that prints 200 MB', measured: `${driver.toFixed(0)} MB resident (job ${detached.id.slice(0, 8)})`, goal: '< 400 MB', met: driver > 0 && driver < 400})
  const out = join(home, 'out-detached.ipynb')
  for (const command of ['attach', 'fetch']) {
    rmSync(out, {force: true})
    await other([command, detached.id, '--quiet'], measured)
    add({what: `notebook ${command} of that run`, measured: `${peak().toFixed(0)} MB resident, copy of ${(statSync(out).size / 1e6).toFixed(0)} MB`, goal: '< 400 MB', met: peak() < 400 && statSync(out).size >= 200e6})
  }
}

/** Of the process here that runs notebook-TOKEN.py, until it ends; in MB. */
async function peakOfDriver() {
  const pid = await driverPid()
  let peak = 0
  for (let status = textOf(`/proc/${pid}/status`); status !== ''; status = textOf(`/proc/${pid}/status`)) {
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024)
    await delay(50)
  }
  return peak / 1e6
}

async function driverPid() {
  for (let tries = 0; tries < 300; tries++) {
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && /python[^\0]*\0(?:-[^\0]+\0)*[^\0]*notebook-[0-9a-f]{12}\.py\0/.test(textOf(`/proc/${name}/cmdline`)))
    if (pid !== undefined) return pid
    await delay(50)
  }
  throw new Error('there is no driver')
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // it has ended
  }
}
