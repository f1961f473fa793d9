import assert from 'node:assert/strict'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {screen, Terminal} from '../helpers/terminal.ts'
import {jupyterThere, type Workbench, workbench} from '../helpers/workbench.ts'

describe('files on a terminal', function () {
  this.timeout(30_000)
  let bench: Workbench
  let root: string
  const fs = (args: string[], env: Record<string, string> = {}): Terminal => new Terminal(['fs', ...args], {home: bench.home, env: {TMPDIR: bench.home.cwd, ...env}})

  before(async () => {
    bench = await workbench()
    const server = await jupyterThere(bench)
    root = server.root
  })
  after(() => bench.remove())

  it('no byte of a file commands the terminal', async () => {
    const osc = '\u001b]52;c;aGFjaw==\u0007'
    const all = Buffer.from(Array.from({length: 512}, (_, i) => i % 256))
    writeFileSync(join(root, 'evil'), Buffer.concat([Buffer.from(`${osc}\u001b[2J\u001b[6n\u001bP+q\u001b\\\u001b[31mred\u009d0;t\u009c\u202e\n`), all, Buffer.from('\u001b[')]))
    for (const command of ['cat', 'head', 'tail']) {
      const shown = fs([command, 'there:evil'])
      assert.equal((await shown.exit).exitCode, 0)
      assert.match(shown.output, /red/)
      assert.doesNotMatch(shown.output.replaceAll(/\u001b\[[\d;]*m/g, ''), /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202e]/, command)
    }
  })

  it('ls puts names in columns, and folders have a slash', async () => {
    mkdirSync(join(root, 'box/sub'), {recursive: true})
    for (let i = 0; i < 30; i++) writeFileSync(join(root, `box/file-${String(i).padStart(2, '0')}`), '')
    const list = fs(['ls', 'there:box'])
    assert.equal((await list.exit).exitCode, 0)
    const lines = screen(list.output).filter((line) => line !== '')
    assert.ok(lines.length < 6, list.output)
    assert.match(lines[0] ?? '', /^file-00 {2}file-0\d/)
    assert.match(list.output, /sub\//)
  })

  it('edit gives the terminal to the editor, with its Ctrl-C, and takes it back', async () => {
    writeFileSync(join(root, 'note'), 'one\n')
    await bench.file('editor', '#!/bin/sh\ntrap "echo caught" INT\nprintf "ready> "\nread line || read line\necho "$line" >> "$1"\n', 0o755)
    const edit = fs(['edit', 'there:note'], {VISUAL: join(bench.home.cwd, 'editor')})
    await edit.shows(/ready> /)
    edit.interrupt()
    await edit.shows(/caught/)
    edit.type('two\r')
    assert.equal((await edit.exit).exitCode, 0, edit.output)
    assert.match(edit.output, /wrote note/)
    assert.equal(readFileSync(join(root, 'note'), 'utf8'), 'one\ntwo\n')
  })
})
