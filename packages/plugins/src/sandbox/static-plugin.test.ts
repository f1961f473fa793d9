import assert from 'node:assert/strict'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {readStaticPlugin} from './static-plugin.ts'

describe('a plugin read without running it', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cgpu-static-'))
  })
  afterEach(() => rmSync(root, {recursive: true, force: true}))
  const read = (oclif: object, commands?: unknown) => {
    writeFileSync(join(root, 'package.json'), JSON.stringify({name: 'x', version: '1.0.0', oclif: {commands: './commands', ...oclif}}))
    if (commands !== undefined) writeFileSync(join(root, 'oclif.manifest.json'), JSON.stringify({commands}))
    return readStaticPlugin(root)
  }
  const command = {relativePath: ['commands', 'a.js'], args: {}, flags: {}}

  it('has commands with what help shows of them', () => {
    const {commands, problems} = read({}, {'a:b': {
      ...command, summary: 'to <%= config.bin %> <%= command.id %>', aliases: ['c'], args: {file: {required: true, description: 'which'}},
      flags: {size: {type: 'option', char: 's', options: ['big', 'small'], default: 'big', env: 'AWS_SECRET', parse: 'x'}, all: {type: 'boolean', allowNo: true}},
    }})
    assert.deepEqual(problems, [])
    assert.deepEqual(commands, [{
      id: 'a:b', file: 'commands/a.js', summary: 'to cgpu a b', hidden: false, aliases: ['c'], examples: [], strict: true, remoteArgs: false,
      flags: [{name: 'size', isSwitch: false, settings: {char: 's', options: ['big', 'small'], default: 'big'}}, {name: 'all', isSwitch: true, settings: {allowNo: true}}],
      args: [{name: 'file', isSwitch: false, settings: {required: true, description: 'which'}}],
    }])
  })

  it('has no text that a terminal or a template would act on', () => {
    const {commands: [one], topics} = read({topics: {t: {description: '<%= x %>\u001b]0;t\u0007'}}}, {a: {...command, description: '\u001b[31m<%- process.exit() %>\u009b2J\nnext', examples: ['<% a %>', {command: '\u001b[2J', description: '<%_ b %>'}]}})
    const all = JSON.stringify([one, topics])
    assert.doesNotMatch(all, /<%|%>|\\u001b|\\u0007|\u009b/)
    assert.match(one?.description ?? '', /\nnext$/)
  })

  it('has no command whose file lies outside of it, or whose name is none', () => {
    const {commands, problems} = read({}, {
      ok: command, up: {...command, relativePath: ['..', 'a.js']}, deep: {...command, relativePath: ['a', '../../b.js']}, absolute: {...command, relativePath: ['/etc/passwd']},
      none: {...command, relativePath: ['']}, odd: 1, '../x': command, '__proto__x:': command,
    })
    assert.deepEqual(commands.map(({id}) => id), ['ok'])
    assert.equal(problems.length, 7)
  })

  it('says what is missing', () => {
    assert.match(read({}).problems[0] ?? '', /no oclif\.manifest\.json/)
    assert.deepEqual(read({commands: undefined}).problems, [])
    assert.match(read({}, 1).problems[0] ?? '', /lists no commands/)
    writeFileSync(join(root, 'package.json'), '[]')
    assert.throws(() => readStaticPlugin(root), /not a JSON object/)
  })

  it('has hooks by event', () => {
    const {hooks} = read({hooks: {'execution:before': './a.js', 'execution:after': [{target: './b.js'}, './c.js', '../d.js', 5], bad: '/x.js'}}, {})
    assert.deepEqual(hooks, {'execution:before': ['a.js'], 'execution:after': ['b.js', 'c.js']})
  })
})
