import assert from 'node:assert/strict'
import {until} from '../../../../test/helpers/workbench.ts'
import {ProgressLines} from './progress-lines.ts'

function setUp({isTTY = true, rows = 4}: {isTTY?: boolean; rows?: number} = {}) {
  const written: string[] = []
  const stream = {isTTY, columns: 20, rows, write: (text: string) => written.push(text)}
  return {written, lines: new ProgressLines({stream, env: {}, now: () => 0})}
}

/** What the terminal shows after all that was written: the few sequences that are used here. */
function screen(written: readonly string[]): string[] {
  const rows = ['']
  let at = 0
  for (const [, up, rest = ''] of written.join('').matchAll(/\u001b\[(\d+)A|(\u001b\[[JK]|\r|\n|[^\u001b\r\n]+)/g)) {
    if (up !== undefined) at -= Number(up)
    else if (rest === '\n') rows[++at] ??= ''
    else if (rest === '\u001b[J') rows.length = at + 1
    else if (rest !== '\r' && rest !== '\u001b[K') rows[at] = rest
  }
  return rows
}

describe('ProgressLines', () => {
  it('shows a line for each thing that goes on, cut to the terminal, and moves them', async () => {
    const {written, lines} = setUp()
    lines.show('a', {message: 'first', detail: 'cell 1', done: 1, total: 2})
    lines.show('b', {message: 'second\u001b[2J which is too long'})
    await until(() => written.length > 0, () => 'nothing was drawn')
    assert.deepEqual(screen(written), ['first: cell 1 50%', 'second\\x1b[2J whic…'])
    lines.end('a')
    const before = written.length
    await until(() => written.length > before, () => 'nothing was drawn again')
    assert.deepEqual(screen(written), ['second\\x1b[2J whic…'])
    lines.print('that stays')
    lines.show('c', {message: 'third'})
    await until(() => screen(written).length > 2, () => 'the lines did not come back')
    assert.deepEqual(screen(written), ['that stays', 'second\\x1b[2J whic…', 'third'])
    lines.done()
    assert.equal(screen(written)[0], 'that stays')
    assert.match(written.at(-1) ?? '', /\u001b\[J$/)
  })

  it('shows no more than the screen holds', async () => {
    const {written, lines} = setUp()
    for (const key of ['1', '2', '3', '4', '5']) lines.show(key, {message: key})
    await until(() => written.length > 0, () => 'nothing was drawn')
    assert.deepEqual(screen(written), ['1', '2', 'and 3 more'])
    lines.done()
  })

  it('writes nothing where there is no terminal, but what stays', () => {
    const {written, lines} = setUp({isTTY: false})
    lines.show('a', {message: 'first'})
    lines.print('that stays')
    lines.done()
    assert.deepEqual([lines.lively, written], [false, ['that stays\n']])
  })
})
