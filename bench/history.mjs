// `cgpu history search` over 100,000 executions, which are written here as cgpu would have written them.
import {mkdirSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {interleave, median, timed} from './measure.mjs'

const count = 100_000
const perFile = 16 * 1024 * 1024
const words = ['loss', 'model', 'batch', 'epoch', 'tensor', 'train', 'step', 'adam', 'layer', 'image', 'token', 'weight', 'score', 'cuda', 'shape', 'mean']

/** The same pseudo-random numbers in every run. */
function seeded(seed) {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

/** Returns how many bytes it takes. */
export function writeHistory(folder) {
  const random = seeded(7)
  const pick = () => words[Math.floor(random() * words.length)]
  mkdirSync(folder, {recursive: true, mode: 0o700})
  const started = Date.parse('2026-01-01T00:00:00Z')
  let lines = []
  let size = 0
  let file = 0
  const flush = (name) => {
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`, {mode: 0o600})
    lines = []
    size = 0
  }
  const put = (record) => {
    const line = JSON.stringify(record)
    lines.push(line)
    size += line.length + 1
    if (size > perFile) flush(`history-2026-01-${String(++file).padStart(2, '0')}T00-00-00-000Z.jsonl`)
  }
  for (let i = 0; i < count; i++) {
    const time = started + i * 60_000
    const id = `${time.toString(36).padStart(9, '0')}-${i.toString(16).padStart(10, '0')}`
    const run = random() < 0.3
    const code = Array.from({length: 1 + Math.floor(random() * 4)}, () => `${pick()} = ${pick()}(${pick()}, ${Math.floor(random() * 1000)})`).join('\n')
    put({
      id, t: 'begin', at: new Date(time).toISOString(), kind: run ? 'run' : 'exec', runtime: {id: 'local-5f1e0a9b3c', name: 'trainer', provider: 'local'}, accelerator: {kind: 'cpu', id: 'cpu'},
      cwd: '/home/me/project', command: run ? {script: 'train.py', args: ['--epochs', String(i % 100), '--name', pick()], sha256: 'a'.repeat(64)} : {code: i === 54_321 ? `${code}\nneedle_in_haystack = 1` : code},
      envNames: [], spec: {provider: 'local', cpu: true}, version: '0.1.0', process: {pid: 4242, startTime: '123456', host: 'lab/0b1c2d3e-0000-4000-8000-000000000000/pid:[4026531836]'},
    })
    if (random() < 0.01) continue // killed
    const bad = random() < 0.1
    put({
      id, t: 'end', at: new Date(time + 5_000).toISOString(), status: bad ? 'error' : 'ok', exitStatus: bad ? 1 : 0, stdoutBytes: 120, stderrBytes: 0, durationSeconds: 5,
      ...(bad ? {category: 'code', code: 'CODE_FAILED', message: `ValueError: ${pick()} of ${pick()}`} : {}), tail: {stdout: `${pick()} ${random()}\n${pick()} ${random()}\n`},
    })
  }
  flush('history.jsonl')
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

export async function historyFigures({env, bin, rounds, add}) {
  const folder = join(env.CGPU_DATA_DIR, 'state', 'history')
  rmSync(folder, {recursive: true, force: true})
  const bytes = writeHistory(folder)
  const cgpu = async (...args) => (await timed(process.execPath, [bin, 'history', ...args], {env})).ms
  const samples = await interleave(rounds, {
    node: async () => (await timed(process.execPath, ['-e', '0'], {env})).ms,
    one: () => cgpu('search', 'needle_in_haystack'),
    none: () => cgpu('search', 'no such text anywhere'),
    many: () => cgpu('search', 'loss'),
    case: () => cgpu('search', '--ignore-case', 'NEEDLE_in_haystack'),
    list: () => cgpu('list'),
  })
  const floor = `node -e 0: ${median(samples.node).toFixed(0)} ms`
  const size = `100,000 executions, ${(bytes / 1e6).toFixed(0)} MB`
  for (const [name, what] of [['one', `history search, one hit in ${size}`], ['none', 'history search, no hit'], ['many', 'history search, the newest 30 of many'], ['case', 'history search --ignore-case, one hit'], ['list', 'history list, the newest 30']]) {
    const value = median(samples[name])
    add({what, measured: `${value.toFixed(0)} ms (${floor})`, goal: '< 300 ms', met: value < 300})
  }
  rmSync(folder, {recursive: true, force: true})
}
