import assert from 'node:assert/strict'
import {namesOf} from './names.ts'
import {type Former, type Mode, plan, type PlanInput} from './plan.ts'
import {pythonNames} from './python-names.ts'

/** A cell: its source; what ran there, where that is another source (null: nothing); and how it ended. */
interface Case {
  now: string
  was?: string | null
  state?: Former['state']
  count?: number
  inKernel?: boolean
}

function planned(mode: Mode, kernel: PlanInput['kernel'], cells: (string | Case)[], {gone = [], pending = []}: {gone?: string[]; pending?: string[]} = {}) {
  const all = cells.map((one) => (typeof one === 'string' ? {now: one} : one))
  const then = all.map(({now, was}) => (was === undefined ? now : was))
  const names = namesOf([...all.map(({now}) => now), ...then.map((one) => one ?? ''), ...gone].map(pythonNames))
  const nothing = {uses: new Set<string>(), writes: new Set<string>(), sure: new Set<string>(), opaque: false}
  const formerAt = (at: number, rest: Partial<Former> = {}): Former => ({position: at, names: names[cells.length + at] ?? nothing, state: 'finished', inKernel: kernel === 'kept', count: at + 1, ...rest})
  return plan({
    mode, kernel, pending,
    gone: gone.map((_, at) => ({...formerAt(0), names: names[2 * cells.length + at] ?? nothing})),
    cells: all.map(({now, state, count, inKernel}, at) => {
      const before = then[at]
      const rest = {...(state ? {state} : {}), ...(count === undefined ? {} : {count}), ...(inKernel === undefined ? {} : {inKernel})}
      return {names: names[at] ?? nothing, changed: before !== now && before !== null, ...(before === null ? {} : {former: formerAt(at, rest)})}
    }),
  })
}

const numbers = ({cells}: {cells: {run: boolean}[]}): string => cells.flatMap(({run}, at) => (run ? [at + 1] : [])).join(' ')

describe('choosing what runs again', () => {
  it('runs what changed, what depends on it, and what those need', () => {
    const load = 'import pandas as pd\ndf = pd.read_csv("x")'
    const cases: [title: string, mode: Mode, kernel: PlanInput['kernel'], cells: (string | Case)[], runs: string][] = [
      ['nothing changed', 'changed', 'kept', [load, 'print(df)'], ''],
      ['nothing changed, no kernel', 'changed', 'fresh', [load, 'print(df)'], ''],
      ['the last one changed', 'changed', 'kept', [load, 'y = df.sum()', {now: 'print(y)', was: 'print(y, 1)'}], '3'],
      ['the same on a fresh kernel: with what it needs', 'changed', 'fresh', [load, 'z = 1', 'y = df.sum()', {now: 'print(y)', was: 'print(y, 1)'}], '1 3 4'],
      ['the first one changed', 'changed', 'kept', [{now: 'a = 2', was: 'a = 1'}, 'b = a', 'c = 1', 'print(b)'], '1 2 4'],
      ['over several cells', 'changed', 'fresh', [{now: 'a = 2', was: 'a = 1'}, 'z = 1', 'b = a', 'print(b)'], '1 3 4'],
      ['a new one', 'changed', 'kept', ['a = 1', {now: 'a2 = a', was: null}, 'print(a)'], '2'],
      ['a counter that would count twice', 'changed', 'kept', ['n = 0', {now: 'n += 2', was: 'n += 1'}, 'print(n)'], '1 2 3'],
      ['a name that a later cell changed', 'changed', 'kept', ['l = []', {now: 'print(len(l))', was: 'print(l)'}, 'l.append(1)', 'print("x")'], '1 2 3'],
      ['a name that is set anew anyhow', 'changed', 'kept', [{now: 'for i in range(3): print(i)', was: 'for i in range(2): print(i)'}, 'for i in range(5): print(i)'], '1'],
      ['a function that reads a name set later', 'changed', 'kept', ['def f(): return K', {now: 'K = 2', was: 'K = 1'}, 'print(f())'], '2 3'],
      ['a function that sets one', 'changed', 'kept', ['n = 0', 'def f():\n  global n\n  n += 1', {now: 'f(); print(1)', was: 'f()'}, 'print(n)'], '1 2 3 4'],
      ['a function that changes what it is given', 'changed', 'kept', ['def grow(l): l.append(1)', 'l = []', {now: 'y = grow(l), 1', was: 'y = grow(l)'}, 'print(l)'], '2 3 4'],
      ['a name that is no longer set', 'changed', 'fresh', ['x = 0', {now: 'y = 1', was: 'x = 1'}, 'print(x)'], '1 2 3'],
      ['a cell that cannot be understood', 'changed', 'kept', ['a = 1', {now: '!pip install x', was: '!pip install y'}, 'print(a)'], '1 2 3'],
      ['an object with two names', 'changed', 'kept', ['a = []', 'b = a', {now: 'b.append(2)', was: 'b.append(1)'}, 'print(a)'], '1 2 3 4'],
      ['a method that changes its object', 'changed', 'fresh', ['class S:\n  def add(self, x):\n    self.v = x\n    return self', 's = S()', {now: 't = s.add(2)', was: 't = s.add(1)'}, 'print(s.v)', 'u = S()'], '1 2 3 4'],
      ['what setattr and next change', 'changed', 'fresh', ['i = iter([1, 2])', {now: 'x = next(i), 1', was: 'x = next(i)'}, 'print(i)', {now: 'setattr(c.d, "x", 2)', was: 'setattr(c.d, "x", 1)'}, 'print(c)'], '1 2 3 4 5'],
      ['an environment that a magic set', 'changed', 'fresh', [{now: '%env A=2', was: '%env A=1'}, 'import os\nprint(os.environ["A"])', 'print(1)'], '1 2'],
      ['a file that a shell wrote', 'changed', 'kept', [{now: '%%bash\necho 2 > f', was: '%%bash\necho 1 > f'}, 'print(open("f").read())'], '1 2'],
      ['a result that is looked back at', 'changed', 'fresh', [{now: '6', was: '5'}, 'print(_ + 1)', {now: '8', was: '7'}, 'Out[1]', 'for _ in range(2): pass', 'print(3)'], '1 2 3 4'],
      ['one that never finished', 'changed', 'kept', ['a = 1', {now: 'b = a', state: 'unfinished'}, 'print(b)'], '2 3'],
      ['a seed that changed', 'changed', 'fresh', ['import random', {now: 'random.seed(2)', was: 'random.seed(1)'}, 'x = random.random()'], '1 2 3'],
      ['what the kernel does not have', 'changed', 'kept', [{now: 'a = 1', inKernel: false}, {now: 'print(a)', was: 'print(a, 1)'}], '1 2'],
      ['what ran in another order', 'changed', 'kept', [{now: 'a = 1', count: 9}, {now: 'a = 2', count: 3}, {now: 'print(a)', was: null}], '1 2 3'],
      ['from the one that failed', 'failed', 'kept', ['a = 1', 'b = a', {now: 'c = b; oops', state: 'failed'}, {now: 'd = 1', was: null}], '3 4'],
      ['from the one that failed, with nothing in a kernel', 'failed', 'fresh', ['a = 1', 'z = 1', {now: 'c = a; oops', state: 'failed'}, {now: 'print(c)', was: null}], '1 3 4'],
      ['from the one that ended with its kernel', 'failed', 'kept', ['a = 1', {now: 'b = a', state: 'unfinished'}, {now: 'print(b)', was: null}], '2 3'],
      ['nothing failed: what was not executed', 'failed', 'kept', ['a = 1', {now: 'b = a', was: null}, 'print("c")'], '2'],
      ['an edit before the one that failed', 'failed', 'kept', [{now: 'a = 2', was: 'a = 1'}, 'z = 1', {now: 'print(a); oops', state: 'failed'}], '1 3'],
      ['behind the last one that finished', 'resume', 'kept', ['a = 1', 'b = 2', {now: 'c = a', state: 'unfinished'}, {now: 'print(c)', was: null}], '3 4'],
      ['the same on a fresh kernel', 'resume', 'fresh', ['a = 1', 'b = 2', {now: 'c = a', was: null}, {now: 'print(c)', was: null}], '1 3 4'],
    ]
    for (const [title, mode, kernel, cells, runs] of cases) assert.equal(numbers(planned(mode, kernel, cells)), runs, title)
  })

  it('says why, of each', () => {
    const {cells} = planned('changed', 'fresh', ['a = 1', 'z = 1', {now: 'b = a', was: 'b = a + 1'}, 'print(b)'])
    assert.deepEqual(cells.map(({why}) => why), ['cell 3 needs a', 'it is unchanged, and so is what it depends on', 'its content changed', 'it depends on cell 3, which runs: b'])
  })

  it('asks for a fresh kernel where the kept one has what no cell sets any more', () => {
    assert.deepEqual(planned('changed', 'kept', ['print(1)', {now: 'print(x)', was: 'print(x, 1)'}], {gone: ['x = 1']}).leftover, ['x'])
    const set = planned('changed', 'kept', ['x = 0', 'print(x)'], {gone: ['x = 1']})
    assert.deepEqual([numbers(set), set.leftover], ['1 2', []])
  })

  it('does not trust names that a run left uncertain, and tells which it will', () => {
    const run = planned('changed', 'kept', ['a = 1', 'b = a', 'print(b)'], {pending: ['b']})
    assert.equal(numbers(run), '2 3')
    assert.deepEqual(planned('changed', 'kept', [{now: 'a = 2', was: 'a = 1'}, 'b = a', 'print(b)']).pending, ['a', 'b'])
    assert.deepEqual(planned('changed', 'kept', [{now: '!x', was: '!y'}]).pending, ['*'])
  })

  it('tells what the cell that failed may have changed already', () => {
    assert.deepEqual(planned('failed', 'kept', ['n = 0', {now: 'n += 1; oops', state: 'failed'}]).halfDone, ['n'])
    assert.deepEqual(planned('failed', 'kept', ['n = 0', {now: 'm = n; oops', state: 'failed'}]).halfDone, [])
  })
})

describe('names in a cell', () => {
  it('are found by Python\'s rules', () => {
    const cases: [source: string, uses: string, writes: string][] = [
      ['import numpy as np, os.path\nfrom a.b import c as d, e', '', 'np os d e'],
      ['a, (b, *c) = f(x, k=v)', 'f x v', 'a b c'],
      ['x = x + 1', 'x', 'x'], ['x: int', 'int', ''], ['d["k"].e = v', 'v d', 'd'], ['t += 1', 't', 't'], ['del gone', 'gone', 'gone'],
      ['[p for p in ps if p]', 'ps', ''], ['[p for p in p]', 'p', ''], ['g = lambda a: a + free', 'free', 'g'],
      ['def f(p, q=dflt):\n  y = X\n  return y + p', 'dflt X', 'f'], ['def a(): return b()\ndef b(): return a()', '', 'a b'],
      ['class C(B):\n  k = v\n  def m(self): self.x = w', 'B v w', 'C'],
      ['with open(p) as f: t = f.read()\nprint(t)', 'open p print', 'f t'], ['if c: u = 1\nprint(u)', 'c print u', 'u'],
      ['f"{val!r:>{width}}"', 'val width', ''], ['if (n := f(1)): pass', 'f', 'n'], ['match z:\n  case [aa, *rest]: w = aa', 'z', 'aa rest w'],
      ['%matplotlib inline\nx = 1', '', 'x'], ['%%time\nx = y', 'y', 'x'], ['try: pass\nexcept E as e: print(e)', 'E print', 'e'],
    ]
    for (const [source, uses, writes] of cases) {
      const names = pythonNames(source)
      assert.deepEqual([[...names.uses].join(' '), [...names.writes].join(' '), names.opaque], [uses, writes, false], source)
    }
    assert.equal(pythonNames(`x = ${'a + '.repeat(20_000)}a`).opaque, true)
    for (const source of ['x =', 'exec("a = 1")', 'from a import *', '!ls', '%run x.py', '%%bash\nls', 'y = !ls']) assert.equal(pythonNames(source).opaque, true, source)
  })
})
