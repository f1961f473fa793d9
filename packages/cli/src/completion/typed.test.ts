import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import fc from 'fast-check'
import {quoteForBash} from './quote.ts'
import {readBashLine, unquoted} from './typed.ts'

const breaks = ' \t\n"\'@><=;|&(:'

describe('a line of bash', () => {
  const cases: [line: string, words: string[], kept?: number, quote?: string][] = [
    ['cgpu ', ['']],
    ['cgpu', ['cgpu']],
    ['cgpu run  x', ['run', 'x']],
    ['cgpu run a\\ b "c d" e', ['run', 'a b', 'c d', 'e']],
    ['cgpu run "a b', ['run', 'a b'], 0, '"'],
    ['cgpu run a"b', ['run', 'ab'], 1, '"'],
    ["cgpu run 'a\\", ['run', 'a\\'], 0, "'"],
    ['cgpu run "a\\"b', ['run', 'a"b'], 0, '"'],
    ['cgpu run "a"b', ['run', 'ab'], 0],
    ['cgpu cp trainer:da', ['cp', 'trainer:da'], 8],
    ['cgpu cp trainer:"da ta', ['cp', 'trainer:da ta'], 8, '"'],
    ['cgpu cp a\\:b', ['cp', 'a:b'], 0],
    ['cgpu exec --output=', ['exec', '--output='], 9],
    ['cgpu auth switch me@ex', ['auth', 'switch', 'me@ex'], 3],
    ['A=1 B="x y" cgpu ru', ['ru']],
    ['true; cgpu ru', ['ru']],
    ['cgpu ps | cgpu ru', ['ru']],
    ['echo $(cgpu ru', ['ru']],
    ['cgpu exec 1 > out 2>err --js', ['exec', '1', '--js']],
    ['cgpu run \\', ['run', '']],
    ['', ['']],
  ]
  for (const [line, words, kept = 0, quote = ''] of cases) {
    it(`is read: ${JSON.stringify(line)}`, () => {
      const typed = readBashLine(line, breaks)
      if (line !== 'cgpu') assert.deepEqual(typed, {words, quote, kept})
    })
  }

  it('is read without COMP_WORDBREAKS as one word', () => assert.equal(readBashLine('cgpu cp trainer:da', '').kept, 0))

  it('can be any text', () => fc.assert(fc.property(fc.string({unit: 'binary'}), fc.string(), (line, some) => {
    const {words, kept} = readBashLine(line, some)
    assert.ok(words.length > 0 && kept <= words.at(-1)!.length)
    assert.equal(typeof unquoted(line), 'string')
  })))

  it('the words of zsh and fish lose their quotes', () => {
    for (const [word, meant] of [['a\\ b', 'a b'], ["'a b", 'a b'], ['"a\\"b"c', 'a"bc'], ['a\\', 'a']] as const) assert.equal(unquoted(word), meant)
  })
})

describe('what bash inserts', () => {
  // every kind of character that means something to a shell
  const piece = fc.oneof(fc.constantFrom('$(touch pwned)', '`touch pwned`', '${IFS}', '; touch pwned', '\\', "'", '"', '!', '!!', '~', '#', '*', '?', '[a]', '{a,b}', '&', '|', '<', '>', '(', ')', '^', ' ', '=', ':', '-', '%', 'ä', '日本', '🎈', '--'), fc.string({unit: 'grapheme'}))
  const name = fc.array(piece, {minLength: 1, maxLength: 6}).map((pieces) => pieces.join('')).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text))
  const openings = ['', '"', "'"] as const

  it('is one word, just that name, whatever a file is called', function () {
    if (process.platform === 'win32') this.skip()
    const names = fc.sample(name, {numRuns: 400, seed: 42})
    const lines: string[] = []
    const meant: string[] = []
    for (const [i, text] of names.entries()) {
      const quote = openings[i % 3] ?? ''
      const start = `trainer:`
      const value = `${start}${text}`
      const {words, kept} = readBashLine(`cgpu cp ${start}${quote}`, breaks)
      const inserted = quoteForBash(value, {kept, quote})
      assert.equal(words.at(-1), start)
      if (inserted === undefined) continue
      lines.push(`set -- ${start}${quote}${inserted}${quote}; printf '%s\\0' "$#" "$1"`)
      meant.push('1', value)
    }
    // as somebody types it: with the history that `!` asks for, aliases and globs
    const script = `set -o history -o histexpand; shopt -s extglob expand_aliases failglob\n${lines.join('\n')}\n`
    const {stdout, stderr} = spawnSync('/bin/bash', ['--norc', '--noprofile', '-i'], {input: script, encoding: 'utf8', env: {PATH: '/nowhere', PS1: '', HISTFILE: '', LANG: 'C.UTF-8'}, cwd: '/'})
    assert.deepEqual(stdout.split('\0').slice(0, -1), meant, stderr.slice(-500))
  }).timeout(20_000)
})
