import assert from 'node:assert/strict'
import {globSync, readFileSync} from 'node:fs'
import {basename, join} from 'node:path'
import {repoRoot} from '../helpers/cli.ts'

describe('docs/reliability.md', () => {
  const page = readFileSync(join(repoRoot, 'docs/reliability.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(([, row, , happens, tests]) => ({row: Number(row), happens: happens ?? '', tests: tests ?? ''}))
  const files = globSync('test/{fault,e2e,pty}/**/*.test.ts', {cwd: repoRoot})
  const named = (row: number): string[] => files.filter((file) => new RegExp(`\\brow ${row}\\b`).test(readFileSync(join(repoRoot, file), 'utf8'))).map((file) => basename(file)).sort()

  it('has the 48 rows of the fault matrix, once each', () => {
    assert.deepEqual(rows.map(({row}) => row), Array.from({length: 48}, (_, i) => i + 1))
  })

  it('names for each the files whose tests name it, or says that it is open', () => {
    for (const {row, happens, tests} of rows) {
      const found = named(row)
      if (found.length === 0) {
        assert.equal(tests, 'open', `row ${row} is named by no test`)
        assert.match(happens, /^\*open\*: /, `row ${row}`)
      } else assert.equal(tests, found.map((file) => `\`${file}\``).join(', '), `row ${row}`)
    }
  })

  it('knows of no row that tests name and it does not', () => {
    const all = files.flatMap((file) => [...readFileSync(join(repoRoot, file), 'utf8').matchAll(/\brow (\d+)\b/g)].map(([, row]) => Number(row)))
    assert.deepEqual([...new Set(all)].filter((row) => !rows.some((one) => one.row === row)), [])
  })
})
