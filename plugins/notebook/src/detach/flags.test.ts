import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import NotebookRun from '../commands/notebook/run.ts'
import {refusedFlags, refuseWithDetach} from './flags.ts'

describe('the flags of notebook run with --detach', () => {
  it('are refused where they say nothing then, each with what to do', () => {
    for (const name of Object.keys(refusedFlags)) {
      assert.throws(() => refuseWithDetach(['a.ipynb'], {detach: true, [name]: true}, 'a.out.ipynb'), (error: {message: string; exit: number; fix: string}) => error.message.startsWith(`--${name} does not go with --detach: `) && error.exit === 64 && error.fix !== '', name)
    }
    assert.throws(() => refuseWithDetach(['a.ipynb', 'b.ipynb'], {}, 'a.out.ipynb'), {exit: 64, message: /several runs/})
    assert.throws(() => refuseWithDetach(['-'], {}, '-'), {exit: 64, message: /cannot print its copy/})
    refuseWithDetach(['a.ipynb'], {detach: true, inplace: false, changed: true, resume: true, include: ['a'], fetch: ['b']}, 's3://bucket/a.ipynb')
  })

  it('are all told of in the docs', async () => {
    const page = await readFile(join(import.meta.dirname, '../../../../docs/notebook-detach.md'), 'utf8')
    const table = page.slice(page.indexOf('## Flags'))
    for (const name of Object.keys(NotebookRun.flags)) assert.ok(table.includes(`--${name}`), `--${name}`)
  })
})
