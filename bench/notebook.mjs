// What `cgpu notebook run` costs: beside papermill and `jupyter execute` in the same rounds, each with a kernel that it starts; a cell.
// CPU time too, of the command and all that it starts: for cgpu the kernel is the server's, and is not in it.
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdirSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {interleave, median, percentile} from './measure.mjs'
import {RawKernel} from './raw.mjs'

const cell = (source) => ({cell_type: 'code', metadata: {}, source, outputs: [], execution_count: null})
export const notebook = (sources) => JSON.stringify({cells: sources.map(cell), metadata: {kernelspec: {name: 'python3', display_name: 'Python 3', language: 'python'}}, nbformat: 4, nbformat_minor: 4})
export const many = (count, source) => notebook(Array.from({length: count}, (_, n) => source(n)))

/** Runs a command to its end; wall time and CPU time of it and its children in ms, and what it printed. */
async function run(command, args, {env, cwd}) {
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%3R %3U %3S"; time "$0" "$@"', command, ...args], {env, cwd, stdio: ['ignore', 'pipe', 'pipe']})
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.slice(-2000)}`)
  const [wall, user, system] = stderr.trimEnd().split('\n').at(-1).split(' ').map((one) => Number(one) * 1000)
  return {wall, cpu: user + system, stdout}
}

export function bed({home: above, env: given, bin}) {
  const home = join(above, 'notebooks')
  mkdirSync(home, {recursive: true})
  const env = {...given, PYDEVD_DISABLE_FILE_VALIDATION: '1'}
  const file = (name, text) => {
    writeFileSync(join(home, name), text)
    return name
  }
  const other = (args, more = {}) => run(process.execPath, [bin, 'notebook', ...args], {env: {...env, ...more}, cwd: home})
  const cgpu = (args, more) => other(['run', ...args, '--runtime', 'bench'], more)
  return {home, env, file, cgpu, other}
}

export async function notebookFigures({rounds, add, server, ...given}) {
  const {home, env, file, cgpu} = bed(given)
  const python = (environment, program) => join(dirname(process.env.CGPU_TEST_PYTHON), '..', '..', environment, 'bin', program)

  const fifty = file('fifty.ipynb', many(50, (n) => `print(${n})`))
  const samples = await interleave(rounds, {
    cgpu: () => cgpu([fifty, '-o', 'cgpu.ipynb']),
    papermill: () => run(python('oracles', 'papermill'), [fifty, 'papermill.ipynb', '--no-progress-bar'], {env, cwd: home}),
    execute: () => run(python('current', 'jupyter-execute'), [fifty, '--output', 'execute.ipynb'], {env, cwd: home}),
  }, {warmup: 1})
  const of = (name, what) => median(samples[name].map((sample) => sample[what]))
  for (const [name, label, limit] of [['papermill', 'papermill', 0.4], ['execute', 'jupyter execute', 0.65]]) {
    const ratio = of('cgpu', 'wall') / of(name, 'wall')
    const cpu = `CPU ${of('cgpu', 'cpu').toFixed(0)} and ${of(name, 'cpu').toFixed(0)} ms`
    add({what: `a notebook of 50 cells, beside ${label}`, measured: `${ratio.toFixed(2)}x, ${of('cgpu', 'wall').toFixed(0)} and ${of(name, 'wall').toFixed(0)} ms, ${cpu}`, goal: `<= ${limit}x`, met: ratio <= limit})
  }

  const count = 500
  const trivial = file('trivial.ipynb', many(count, () => '1'))
  const raw = await RawKernel.open(server)
  const floor = []
  for (let n = 0; n < count; n++) {
    const started = performance.now()
    await raw.execute('1')
    floor.push(performance.now() - started)
  }
  raw.close()
  const {stdout} = await cgpu([trivial, '--json'])
  const cells = JSON.parse(stdout).data.cells.map(({durationSeconds}) => durationSeconds * 1000)
  const [p50, least] = [percentile(cells, 50), percentile(floor, 50)]
  add({what: `a trivial cell of a notebook, p50 of ${count}`, measured: `${p50.toFixed(1)} ms, raw client ${least.toFixed(1)} ms`, goal: '<= 8 ms', met: p50 <= 8})
}
