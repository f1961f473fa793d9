import assert from 'node:assert/strict'
import type {KernelConnection} from '@cgpu/jupyter'
import {continuation} from './introspect.ts'

/** One that is busy with somebody else's code. */
const silent = {
  request: () => Promise.reject(Object.assign(new Error('no answer'), {name: 'JupyterError'})),
} as unknown as KernelConnection // nothing else is asked of it

describe('code whose kernel does not say whether it is whole', () => {
  const long = `x = "${'a'.repeat(2_000_000)}"`
  const cases: [what: string, code: string, indent: string | undefined][] = [
    ['a statement', 'x = 1', undefined],
    ['a block that begins', 'for n in x:', ''],
    ['a block that goes on', 'for n in x:\n    f(n)', '    '],
    ['a block that an empty line ends', 'for n in x:\n    f(n)\n', undefined],
    ['brackets that are open, with spaces behind', '  f(a,  ', '  '],
    ['a line of two megabytes', long, undefined],
    ['a line of two megabytes and an empty one', `${long}\n`, undefined],
    ['a megabyte of spaces', `x${' '.repeat(1_000_000)}y`, undefined],
  ]
  for (const [what, code, indent] of cases) it(`is judged by its last line: ${what}`, async () => assert.equal(await continuation(silent, code), indent)).timeout(20_000)
})
