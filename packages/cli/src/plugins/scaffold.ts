import {CONTRACT} from '@cgpu/plugin-sdk'

export interface Scaffold {
  /** of the package */
  name: string
  /** first word of its commands */
  topic: string
  /** of this cgpu, whose SDK it is written for */
  version: string
  year: number
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Path -> content of a plugin that builds and passes its tests as it is. */
export function scaffold({name, topic, version, year}: Scaffold): Record<string, string> {
  const variable = `${topic.toUpperCase().replaceAll('-', '_')}_RUN`
  return {
    'package.json': json({
      name, version: '0.1.0', description: 'a plugin of cgpu', license: 'MIT', type: 'module', engines: {node: '>=22.18'}, keywords: ['cgpu-plugin'],
      files: ['/dist', '/oclif.manifest.json'],
      scripts: {build: 'tsc -p . && cgpu plugins manifest', test: 'npm run build && node --test "test/*.test.ts"', prepack: 'npm run build'},
      // the host's copies are used: the plugin is installed without dependencies
      peerDependencies: {'@cgpu/plugin-sdk': `^${version}`, '@oclif/core': '^5.1.9'},
      peerDependenciesMeta: {'@cgpu/plugin-sdk': {optional: true}, '@oclif/core': {optional: true}},
      devDependencies: {'@cgpu/cli': `^${version}`, '@cgpu/plugin-sdk': `^${version}`, '@oclif/core': '^5.1.9', '@types/node': '^24.0.0', typescript: '^7.0.2'},
      oclif: {
        commands: './dist/commands', topicSeparator: ' ', topics: {[topic]: {description: `commands of ${name}`}},
        hooks: {'execution:before': './dist/hooks/execution-before.js'},
      },
      cgpu: {contract: CONTRACT, capabilities: [{use: 'kernel', reason: 'tells programs the id of their run'}]},
    }),
    'tsconfig.json': json({
      compilerOptions: {
        target: 'es2024', module: 'nodenext', rootDir: 'src', outDir: 'dist', strict: true, noImplicitOverride: true, erasableSyntaxOnly: true,
        rewriteRelativeImportExtensions: true, verbatimModuleSyntax: true, skipLibCheck: true, types: ['node'],
      },
      include: ['src'],
    }),
    [`src/commands/${topic}/greet.ts`]: `import {CgpuCommand, errors} from '@cgpu/plugin-sdk'
import {string} from '@oclif/core/args'

export interface Greeting {
  greeting: string
}

/** Greets somebody. What \`run\` returns is the \`data\` of --json. */
export default class Greet extends CgpuCommand<Greeting> {
  static override args = {name: string({description: 'who is greeted', required: true})}
  static override examples = ['<%= config.bin %> ${topic} greet world']
  static override summary = 'greet somebody'

  async run(): Promise<Greeting> {
    const {args} = await this.parse(Greet)
    if (args.name.trim() === '') throw errors.usage('nobody is to be greeted', {code: 'NOBODY', fix: 'cgpu ${topic} greet world'})
    const greeting = \`hello \${args.name}\`
    this.log(greeting)
    return {greeting}
  }
}
`,
    'src/hooks/execution-before.ts': `import type {CgpuHook} from '@cgpu/plugin-sdk'

/** Before every execution: gives programs the id of their run. \`{veto: 'why'}\` would forbid it. */
const hook: CgpuHook<'execution:before'> = async ({request}) => ({env: {${variable}: request.id}})

export default hook
`,
    'test/plugin.test.ts': `import assert from 'node:assert/strict'
import {after, before, describe, it} from 'node:test'
import {callHook, testHome, type TestHome} from '@cgpu/plugin-sdk/testing'
import executionBefore from '../dist/hooks/execution-before.js'

describe('${name}', () => {
  let home: TestHome
  before(async () => {
    home = await testHome()
    await home.link('.')
  })
  after(() => home.remove())

  it('greets', async () => {
    assert.equal((await home.cgpu(['${topic}', 'greet', 'world'])).stdout, 'hello world\\n')
    const answer = await home.json(['${topic}', 'greet', 'world'])
    assert.deepEqual(answer.ok && answer.data, {greeting: 'hello world'})
  })

  it('says what to do when nobody is given', async () => {
    const {status, stderr} = await home.cgpu(['${topic}', 'greet', ' '])
    assert.equal(status, 64)
    assert.match(stderr, /^fix: cgpu ${topic} greet world$/m)
  })

  it('tells a run its id', async () => {
    const request = {id: 'r1', kind: 'run' as const, runtime: {id: '1', name: 'here', provider: 'local'}, envNames: []}
    assert.deepEqual(await callHook(executionBefore, {request}), {env: {${variable}: 'r1'}})
  })

  it('does so on a real runtime', async () => {
    await home.runtime()
    const {stdout} = await home.cgpu(['run', '--', 'sh', '-c', 'echo $${variable}'])
    assert.notEqual(stdout.trim(), '')
  })
})
`,
    '.github/workflows/ci.yml': `name: ci
on: [push, pull_request]
permissions: {contents: read}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-node@v5
        with: {node-version: 24}
      - uses: actions/setup-python@v6
        with: {python-version: '3.12'}
      - run: npm install
      - run: npm test
`,
    '.gitignore': 'node_modules/\ndist/\noclif.manifest.json\n',
    'README.md': `# ${name}

A plugin of [cgpu](https://www.npmjs.com/package/@cgpu/cli).

\`\`\`sh
cgpu plugins install ${name}
cgpu ${topic} greet world
\`\`\`

| | |
|---|---|
| \`cgpu ${topic} greet NAME\` | greets somebody |
| hook \`execution:before\` | programs find the id of their run in \`${variable}\` |

To work on it: \`npm install\`, \`npm test\`, \`cgpu plugins link .\`
`,
    'LICENSE': `MIT License

Copyright (c) ${year} the authors of ${name}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`,
  }
}
