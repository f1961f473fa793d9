import assert from 'node:assert/strict'
import fc from 'fast-check'
import {commandsOf} from './commands.ts'
import {complete} from './complete.ts'
import type {Candidate, CompletionSources} from './types.ts'
import {timely} from './values.ts'

const option = (more: object = {}): object => ({type: 'option', ...more})
const commands = commandsOf({commands: {
  run: {
    summary: 'run a script', strict: false, remoteArgs: true, args: {}, aliases: [],
    flags: {gpu: option({char: 'g', exclusive: ['tpu', 'cpu']}), tpu: option({exclusive: ['gpu']}), cpu: {type: 'boolean'}, quiet: {type: 'boolean', char: 'q'}, runtime: option({char: 'r'}), output: option({options: ['text', 'json']}), include: option({multiple: true, helpValue: 'PATH'}), keep: {type: 'boolean', allowNo: true}, secret: option({multiple: true})},
  },
  'runtime:list': {summary: 'list runtimes', flags: {json: {type: 'boolean'}}, args: {}, aliases: ['ps']},
  'job:logs': {summary: 'print', flags: {}, args: {id: {}}, aliases: ['logs']},
  'job:cancel': {summary: 'end', flags: {}, args: {}, strict: false, aliases: []},
  'kernel:show': {summary: 'show', flags: {}, args: {kernel: {}}, aliases: []},
  'runtime:show': {summary: 'show one', flags: {}, args: {name: {}}, aliases: []},
  'runtime:release': {summary: 'release', flags: {}, args: {}, strict: false, aliases: []},
  shell: {summary: 'open a terminal', flags: {session: option({char: 's'})}, args: {runtime: {}}, aliases: []},
  'port:close': {summary: 'stop', flags: {}, args: {}, strict: false, aliases: []},
  'plugins:update': {summary: 'update', flags: {}, args: {}, strict: false, aliases: []},
  'plugins:inspect': {summary: 'inspect', flags: {}, args: {plugin: {}}, aliases: []},
  update: {summary: 'update', flags: {version: option()}, args: {channel: {options: ['stable', 'beta']}}, aliases: []},
  'version:use': {summary: 'switch', flags: {}, args: {version: {}}, aliases: []},
  'config:set': {summary: 'set', flags: {}, args: {key: {}, value: {}}, aliases: []},
  'auth:switch': {summary: 'switch', flags: {}, args: {account: {}}, aliases: []},
  'auth:login': {summary: 'sign in', flags: {account: option(), scopes: option({multiple: true})}, args: {}, aliases: []},
  'history:list': {summary: 'list', flags: {status: option()}, args: {}, aliases: []},
  'history:diff': {summary: 'compare', flags: {}, args: {a: {}, b: {}}, aliases: []},
  'history:export': {summary: 'export', flags: {}, args: {}, strict: false, aliases: []},
  cp: {summary: 'copy', flags: {}, args: {}, strict: false, aliases: []},
  'fs:ls': {summary: 'list files', flags: {runtime: option()}, args: {}, strict: false, aliases: []},
  'fs:edit': {summary: 'edit a file', flags: {}, args: {path: {}}, aliases: []},
  'schedule:create': {summary: 'schedule', flags: {every: option()}, args: {name: {}}, aliases: []},
  'schedule:show': {summary: 'show', flags: {}, args: {name: {}}, aliases: []},
  'notebook:get': {summary: 'download', flags: {}, args: {notebook: {}}, aliases: ['nb:get']},
  'notebook:put': {summary: 'upload', flags: {}, args: {file: {}, notebook: {}}, aliases: []},
  completion: {summary: 'set up', flags: {}, args: {shell: {options: ['bash', 'zsh']}}, aliases: []},
  secret: {summary: 'hidden', hidden: true, flags: {}, args: {}, aliases: []},
  broken: null,
}})

const listed = (...values: string[]) => async (): Promise<Candidate[]> => values.map((value) => ({value}))
const sources: CompletionSources = {
  runtimes: listed('trainer', 'tester'), providers: listed('local', 'jupyter'), profiles: listed(), accounts: listed('me@example.com', 'you@example.com'), secrets: listed('HF_TOKEN', 'WANDB_API_KEY'),
  jobs: async (beginning, which) => [{value: `${beginning}${which}`}], schedules: listed('nightly', 'sweep'), executions: listed('0mi-new', '0mi-old'), schemas: listed('runtime list', 'events'), notebooks: listed('train.ipynb'),
  accelerators: async (kind, provider) => [{value: kind === 'gpu' ? `t4-${provider ?? 'any'}` : 'v5e'}], forwards: listed('f1', 'f2'), plugins: listed('cgpu-sing'), versions: listed('0.1.0', '0.2.0-beta.1'),
  kernels: async (runtime) => [{value: `running-on-${runtime ?? 'default'}`}, {value: '--force'}],
  specs: async (runtime) => [{value: `python-on-${runtime ?? 'default'}`}],
  terminals: async (runtime) => [{value: `terminal-on-${runtime ?? 'default'}`}],
  settings: listed('gpu', 'keep'), settingValues: async (key) => (key === 'keep' ? [{value: 'true'}, {value: 'false'}] : []),
  entries: async (runtime, folder) => [{value: 'data/'}, {value: `${runtime ?? 'default'}${folder.length}.csv`}, {value: '.hidden'}], localEntries: listed('train/', 'train.py', 'other', '.git/'),
}
const values = async (...words: string[]): Promise<string[]> => {
  const {candidates, directives} = await complete(words, commands, sources)
  return [...directives.map((directive) => `:${directive}`), ...candidates.map(({value}) => value)]
}

describe('complete', () => {
  const cases: [words: string[], expected: string[]][] = [
    [['ru'], ['run', 'runtime']],
    [['nb', 'get', ''], ['train.ipynb']], [['notebook', 'put', ''], [':files']], [['notebook', 'put', 'x.ipynb', ''], ['train.ipynb']],
    [['sec'], []],
    [['plugins', 'inspect', ''], ['cgpu-sing']],
    [['version', 'use', '0.2'], ['0.2.0-beta.1']],
    [['update', '--version', '0.1'], ['0.1.0']],
    [['update', 'b'], ['beta']],
    [['runtime', ''], ['list', 'release', 'show']],
    [['runtime', 'l'], ['list']],
    [['ps', '--'], ['--help', '--json']],
    [['ps', '--json', '--'], ['--help']],
    [['run', '--k'], ['--keep']],
    [['run', '--gpu', 't4', '--c'], []],
    [['run', '--cpu', '--g'], []],
    [['run', '--tpu', 'v5e', '--g'], []],
    [['run', '-q', '--q'], []],
    [['run', '-qr', 'te'], ['tester']],
    [['run', '-qrtester', '--q'], []],
    [['run', '--no-keep', '--k'], []],
    [['run', '--no'], ['--no-keep']],
    [['run', '--include', 'a', '--inc'], ['--include']],
    [['run', '--output', ''], ['json', 'text']],
    [['run', '--output=t'], ['--output=text']],
    [['run', '--gpu', ''], ['t4-any']],
    [['run', '-g', 't'], ['t4-any']],
    [['run', '--gpu', 'a100,'], ['a100,t4-any']],
    [['run', '--gpu', 'a100,t4-any,'], []],
    [['run', '--gpu=a100,t'], ['--gpu=a100,t4-any']],
    [['run', '-r', 'te'], ['tester']],
    [['run', '--include', ''], [':files']],
    [['run', '--secret', 'H'], ['HF_TOKEN']],
    [['run', '--keep='], []],
    [['history', 'diff', ''], ['0mi-new', '0mi-old']],
    [['history', 'diff', '0mi-old', ''], ['0mi-new']],
    [['history', 'diff', '0mi-old', '0mi-new', ''], []],
    [['history', 'export', '0mi-old', ''], ['0mi-new']],
    [['history', 'list', '--status', 'l'], ['lost']],
    [['history', 'list', '--status', 'lost,e'], ['lost,error']],
    [['run', '--secret', 'HF_TOKEN', '--secret', ''], ['WANDB_API_KEY']],
    [['run', 'x.py', '--'], [':files']],
    [['run', '--', 'python', ''], []],
    [['shell', '--', ''], []],
    [['shell', 'trainer', '--session', ''], ['terminal-on-trainer']],
    [['shell', '-s', 'te'], ['terminal-on-default']],
    [['port', 'close', 'f1', ''], ['f2']],
    [['plugins', 'update', ''], ['cgpu-sing']],
    [['job', 'logs', 'ab'], ['aball']],
    [['logs', ''], ['all']],
    [['job', 'cancel', ''], ['open']],
    [['kernel', 'show', ''], ['running-on-default']],
    [['run', ''], [':files']],
    [['runtime', 'show', 'tr'], ['trainer']],
    [['runtime', 'show', 'trainer', ''], []],
    [['runtime', 'release', 'trainer', ''], ['tester']],
    [['auth', 'switch', 'm'], ['me@example.com']],
    [['auth', 'login', '--account', ''], ['me@example.com', 'you@example.com']],
    [['auth', 'login', '--scopes', 'drive.'], ['drive.file', 'drive.readonly']],
    [['auth', 'login', '--scopes', 'drive,drive.f'], ['drive,drive.file']],
    [['config', 'set', 'k'], ['keep']],
    [['config', 'set', 'keep', ''], ['false', 'true']],
    [['schedule', 'show', 'n'], ['nightly']],
    [['schedule', 'create', 'new', '--every', '6h', '--', 'runtime', 'l'], ['list']],
    [['schedule', 'create', 'new', '--', 'run', '-r', ''], ['tester', 'trainer']],
    [['completion', ''], ['bash', 'zsh']],
    [['cp', 'tr'], [':nospace', 'train.py', 'train/', 'trainer:']],
    [['cp', ''], [':nospace', 'other', 'tester:', 'train.py', 'train/', 'trainer:']],
    [['cp', 'x'], [':files']],
    [['cp', '~'], [':files']],
    [['cp', 'trainer:.'], ['trainer:.hidden']],
    [['fs', 'ls', '--runtime', 'trainer', ''], [':nospace', 'data/', 'trainer0.csv']],
    [['fs', 'ls', 'dat'], [':nospace', 'data/']],
    [['cp', './tr'], [':files']],
    [['cp', 'trainer:'], [':nospace', 'trainer:data/', 'trainer:trainer0.csv']],
    [['cp', 'a', 'trainer:data/t'], ['trainer:data/trainer5.csv']],
    [['fs', 'ls', 'tr'], [':nospace', 'trainer:']],
    [['fs', 'ls', 'trainer:a', 'trainer:data/'], [':nospace', 'trainer:data/data/', 'trainer:data/trainer5.csv']],
    [['fs', 'edit', 'trainer:t'], ['trainer:trainer0.csv']],
    [['nope', ''], []],
    [[], ['auth', 'completion', 'config', 'cp', 'fs', 'history', 'job', 'kernel', 'logs', 'nb', 'notebook', 'plugins', 'port', 'ps', 'run', 'runtime', 'schedule', 'shell', 'update', 'version']],
  ]
  for (const [words, expected] of cases) it(`answers "${words.join(' ')}"`, async () => assert.deepEqual(await values(...words), expected))

  it('drops values that would act on the terminal', async () => {
    const hostile = {...sources, runtimes: listed('ok', 'a\u001b[2J', 'b\nc')}
    assert.deepEqual((await complete(['runtime', 'show', ''], commands, hostile)).candidates, [{value: 'ok'}])
  })

  it('takes a failing source for an empty one', async () => {
    const failing = {...sources, runtimes: () => Promise.reject(new Error('no'))}
    assert.deepEqual((await complete(['runtime', 'show', ''], commands, failing)).candidates, [])
  })

  it('waits for a source no longer than it may', async () => {
    const never = Promise.withResolvers<Candidate[]>().promise
    assert.deepEqual(await timely(never, 10), [])
  })

  it('never throws, whatever is typed', () => fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.string(), fc.constantFrom('run', '--gpu', '--', 'cp', 'trainer:', '-r', '--x='))), async (words) => {
    const current = words.at(-1) ?? ''
    for (const {value} of (await complete(words, commands, sources)).candidates) assert.ok(value.startsWith(current))
  })))
})

describe('commandsOf', () => {
  it('takes whatever a plugin\'s manifest holds', () => {
    fc.assert(fc.property(fc.jsonValue(), (json) => assert.ok(Array.isArray(commandsOf(json)))))
    fc.assert(fc.property(fc.jsonValue(), (json) => assert.ok(Array.isArray(commandsOf({commands: {x: json, y: {args: json, flags: json, aliases: json}}})))))
  })
})
