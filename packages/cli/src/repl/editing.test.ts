import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {bufferOf, insert, left, replace, right, vertical, wordLeft, wordRight} from './buffer.ts'
import {columnsOf, commonStart} from './choices.ts'
import {highlight} from './highlight.ts'
import {actionOf, pasted} from './keys.ts'
import {layout, windowOf} from './layout.ts'
import {kindOf} from './line-kind.ts'
import {Recall} from './recall.ts'
import {Search} from './search.ts'

/** `|` marks the cursor */
const at = (marked: string) => bufferOf(marked.replace('|', ''), marked.indexOf('|'))
const shown = ({text, cursor}: {text: string; cursor: number}): string => `${text.slice(0, cursor)}|${text.slice(cursor)}`

describe('a text that is typed', () => {
  const moves: [name: string, move: (buffer: ReturnType<typeof at>) => number | undefined, before: string, after: string][] = [
    ['left over what people see as one character', left, 'a👩‍🔬|', 'a|👩‍🔬'],
    ['left over a letter with its accent', left, 'e\u0301|', '|e\u0301'],
    ['right over a flag', right, '|🇫🇷x', '🇫🇷|x'],
    ['a word back', wordLeft, 'np.zeros(3|)', 'np.zeros(|3)'],
    ['a word on', wordRight, '|  été = 1', '  été| = 1'],
    ['up, in the same column', (buffer) => vertical(buffer, -1), 'abc\nde|f', 'ab|c\ndef'],
    ['up, to the end of a shorter line', (buffer) => vertical(buffer, -1), 'a\nbcd|', 'a|\nbcd'],
    ['down', (buffer) => vertical(buffer, 1), 'ab|c\ndef', 'abc\nde|f'],
  ]
  for (const [name, move, before, after] of moves) it(`moves ${name}`, () => assert.equal(shown({...at(before), cursor: move(at(before)) ?? -1}), after))

  it('takes what is put in, and what takes another piece\'s place', () => {
    assert.equal(shown(insert(at('a|d'), 'bc')), 'abc|d')
    assert.equal(shown(replace(at('imp|'), 0, 3, 'import')), 'import|')
  })

  it('never stands inside of a character, however one moves', () => {
    fc.assert(fc.property(fc.string({unit: 'grapheme', maxLength: 20}), fc.array(fc.boolean()), (text, steps) => {
      let buffer = bufferOf(text)
      for (const back of steps) buffer = {text, cursor: back ? left(buffer) : right(buffer)}
      assert.doesNotMatch(text.slice(0, buffer.cursor), /[\ud800-\udbff]$/)
    }))
  })
})

describe('keys', () => {
  const keys: [name: string, text: string | undefined, key: Parameters<typeof actionOf>[1], action: unknown][] = [
    ['a letter', 'a', {name: 'a', sequence: 'a'}, {type: 'insert', text: 'a'}],
    ['Enter', '\r', {name: 'return', sequence: '\r'}, {type: 'accept'}],
    ['Alt-Enter', undefined, {name: 'return', meta: true, sequence: '\x1b\r'}, {type: 'newline'}],
    ['Ctrl-R', '\x12', {name: 'r', ctrl: true, sequence: '\x12'}, {type: 'search'}],
    ['a sequence that nobody knows', '\x1b[99;5u', {name: 'undefined', sequence: '\x1b[99;5u'}, undefined],
    ['a name that every object has', undefined, {name: 'constructor', ctrl: true, sequence: ''}, undefined],
  ]
  for (const [name, text, key, action] of keys) it(name, () => assert.deepEqual(actionOf(text, key), action))

  it('of a paste keep its lines and lose its control characters', () => {
    assert.equal(pasted('a\r\n\tb\rc\x1b[31m\x07\u009b\x00'), 'a\n\tb\nc[31m')
  })
})

describe('what is drawn', () => {
  const draw = (text: string, cursor = text.length, more: {columns?: number; height?: number} = {}) =>
    layout({prompt: '> ', more: '. ', spans: [{text}], cursor, columns: more.columns ?? 20, height: more.height ?? 10, colour: false})

  it('has a prompt before each line, and knows where the cursor is', () => {
    assert.deepEqual(draw('ab\ncd', 1), {rows: ['> ab', '. cd'], row: 0, column: 3})
    assert.deepEqual(draw('ab\n'), {rows: ['> ab', '. '], row: 1, column: 2})
  })

  it('breaks lines that are too long, also between wide characters', () => {
    assert.deepEqual(draw('0123456789', 10, {columns: 11}), {rows: ['> 01234567', '89'], row: 1, column: 2})
    assert.deepEqual(draw('日本語日本語', 6, {columns: 12}), {rows: ['> 日本語日', '本語'], row: 1, column: 4})
    assert.deepEqual(draw('0123456789', 8, {columns: 11}), {rows: ['> 01234567', '89'], row: 1, column: 0})
  })

  it('shows the part around the cursor when it is longer than the terminal', () => {
    const text = Array.from({length: 30}, (_, n) => String(n)).join('\n')
    assert.deepEqual(draw(text, 0, {height: 4}), {rows: ['> 0', '. 1', '. 2'], row: 0, column: 2})
    assert.deepEqual(draw(text, text.length, {height: 4}), {rows: ['. 27', '. 28', '. 29'], row: 2, column: 4})
  })

  it('of a long text is only what is around the cursor, as if it were the whole', () => {
    const size = {columns: 20, height: 5}
    const lines = Array.from({length: 5_000}, (_, n) => `line ${n}`).join('\n')
    for (const cursor of [0, 3, 99, 100, 101, 25_000, lines.length - 1, lines.length]) {
      const {from, to} = windowOf(lines, cursor, size)
      assert.ok(to - from <= 400, `${to - from}`)
      const part = layout({prompt: '> ', more: '. ', spans: [{text: lines.slice(from, to)}], cursor: cursor - from, ...size, colour: false})
      assert.deepEqual(part, draw(lines, cursor, size))
    }
    assert.deepEqual(windowOf('x'.repeat(1_000_000), 1_000_000, {columns: 20, height: Number.MAX_SAFE_INTEGER}), {from: 0, to: 1_000_000})
    assert.equal(windowOf('x'.repeat(99) + '😀'.repeat(500), 350, size).from, 199)
  })

  it('never holds a character that a terminal would act on', () => {
    const anything = fc.array(fc.nat(0xffff), {maxLength: 60}).map((units) => String.fromCharCode(...units))
    fc.assert(fc.property(anything, fc.nat(60), fc.integer({min: 1, max: 40}), (text, cursor, columns) => {
      const {rows, row, column} = draw(text, Math.min(cursor, text.length), {columns})
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      for (const one of rows) assert.doesNotMatch(one, /[\x00-\x1f\x7f-\x9f]/)
      assert.ok(row < rows.length && column <= Math.max(8, columns))
    }))
  })

  it('has colours for a language\'s words, and the same text with and without', () => {
    fc.assert(fc.property(fc.string({maxLength: 80}), fc.constantFrom('python', 'r', 'klingon'), (text, language) => {
      assert.equal(highlight(text, language).map((span) => span.text).join(''), text)
    }))
    assert.deepEqual(highlight('if x == "if": # if', 'python').filter((span) => span.style), [
      {text: 'if', style: 'yellow'}, {text: '"if"', style: 'green'}, {text: '# if', style: 'dim'},
    ])
  })

  it('of many choices is what tells them apart, in columns, and how many more there are', () => {
    assert.equal(commonStart(['os.path.join', 'os.path.isdir']), 'os.path.')
    assert.deepEqual(columnsOf(['os.path.join', 'os.path.isdir', 'os.path.exists'], 20, 5), ['join    exists', 'isdir'])
    assert.deepEqual(columnsOf(Array.from({length: 9}, (_, n) => `name${n}`), 8, 2), ['name0', 'name1', '… 7 more'])
  })
})

describe('a line', () => {
  const lines: [text: string, language: string, kind: unknown][] = [
    ['  ', 'python', {kind: 'blank'}],
    [':help', 'python', {kind: 'command', name: 'help', argument: ''}],
    [':kernel lab', 'r', {kind: 'command', name: 'kernel', argument: 'lab'}],
    [':nonsense', 'python', {kind: 'command', name: 'nonsense', argument: ''}],
    [':symbol', 'julia', {kind: 'code', code: ':symbol'}],
    ['exit', 'python', {kind: 'command', name: 'quit', argument: ''}],
    ['quit()', 'r', {kind: 'code', code: 'quit()'}],
    ['np.zeros?', 'python', {kind: 'inspect', name: 'np.zeros', detail: 0}],
    ['??f', 'python', {kind: 'inspect', name: 'f', detail: 1}],
    ['%timeit?', 'python', {kind: 'inspect', name: '%timeit', detail: 0}],
    ['!ls *?', 'python', {kind: 'code', code: '!ls *?'}],
    ['"why?"', 'python', {kind: 'code', code: '"why?"'}],
    ['# why?', 'python', {kind: 'code', code: '# why?'}],
    ['a\nb?', 'python', {kind: 'code', code: 'a\nb?'}],
  ]
  for (const [text, language, kind] of lines) it(`${JSON.stringify(text)} is ${JSON.stringify(kind)} for ${language}`, () => assert.deepEqual(kindOf(text, language), kind))
})

describe('what was typed before', () => {
  it('is found from the newest to the oldest, of this time first', () => {
    let loaded = 0
    const recall = new Recall(() => {
      loaded++
      return ['c', 'b', 'b', 'a']
    })
    recall.add('d')
    recall.add('d')
    assert.equal(loaded, 0, 'not before somebody looks back')
    assert.deepEqual([0, 1, 2, 3, 4].map((index) => recall.at(index)), ['d', 'c', 'b', 'a', undefined])
    assert.deepEqual([recall.find('b', 0), recall.find('b', 3)], [2, undefined])
    assert.equal(loaded, 1)
  })

  it('is searched letter by letter, and given back when the search is given up', () => {
    const recall = new Recall(() => ['print(total)', 'import os', 'total = 1'])
    const search = new Search(recall, bufferOf('half'))
    const type = (text: string) => search.take({type: 'insert', text})
    assert.deepEqual(type('to'), {buffer: bufferOf('print(total)', 6)})
    assert.deepEqual(search.take({type: 'search'}), {buffer: bufferOf('total = 1', 0)})
    assert.deepEqual(type('x'), {buffer: bufferOf('total = 1', 0), missed: true})
    assert.deepEqual(search.take({type: 'delete', to: 'left'}), {buffer: bufferOf('print(total)', 6)})
    assert.equal(search.take({type: 'accept'}), undefined)
    assert.deepEqual(search.take({type: 'cancel'}), {buffer: bufferOf('half'), over: true})
  })
})
