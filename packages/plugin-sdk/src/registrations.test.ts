import assert from 'node:assert/strict'
import type {HookHost} from './fire.ts'
import {
  registeredMetricSinks, registeredNotebookExporters, registeredPipelineExecutors, registeredProviders, registeredSchemes, registeredSecretSources,
} from './registrations.ts'

/** A host whose plugins `a`, `b` … answer as told to one event. */
function hostOf(event: string, ...results: unknown[]): HookHost & {warnings: string[]} {
  const warnings: string[] = []
  const runHook = async (asked: string) => ({failures: [], successes: asked === event ? results.map((result, at) => ({plugin: {name: 'abcdef'[at] ?? ''}, result})) : []})
  return {config: {runHook: runHook as unknown as HookHost['config']['runHook']}, warn: (message) => warnings.push(message), warnings}
}

const does = (): never => { throw new Error('not asked') }

interface Kind {
  event: string
  code: string
  /** names of what is registered */
  names: (host: HookHost, own?: string[]) => Promise<string[]>
  good: (name: string) => object
  /** what is left out, with a warning each */
  bad: unknown[]
  /** whether cgpu may have some itself */
  hasOwn: boolean
}

const kinds: Kind[] = [
  {
    event: 'provider:register', code: 'PROVIDER_CLASH', hasOwn: false,
    names: async (host) => (await registeredProviders(host)).map(({id}) => id), good: (id) => ({id, factory: does}), bad: [{id: 3, factory: does}, {id: 'x'}, null],
  },
  {
    event: 'scheme:register', code: 'SCHEME_CLASH', hasOwn: true,
    names: async (host, own = []) => (await registeredSchemes(host, own)).map(({scheme}) => scheme), good: (scheme) => ({scheme, resolve: does}),
    bad: [{scheme: 'A b', resolve: does}, {scheme: 'x', resolve: does}, {scheme: 'none'}, null],
  },
  {
    event: 'secret-source:register', code: 'SECRET_SOURCE_CLASH', hasOwn: false,
    names: async (host) => (await registeredSecretSources(host)).map(({entry: {source}}) => source), good: (source) => ({source, read: does}),
    bad: [{source: 'a:b', read: does}, {source: 'vault', read: 'no'}, 7],
  },
  {
    event: 'metric-sink:register', code: 'METRIC_SINK_CLASH', hasOwn: false,
    names: async (host) => (await registeredMetricSinks(host)).map(({entry: {name}}) => name), good: (name) => ({name, sink: does}), bad: [{name: '', sink: does}, {name: 'x'}, null],
  },
  {
    event: 'notebook-exporter:register', code: 'NOTEBOOK_EXPORTER_CLASH', hasOwn: true,
    names: async (host, own = []) => (await registeredNotebookExporters(host, own)).map(({format}) => format), good: (format) => ({format, extension: 'html', convert: does}),
    bad: [{format: 'slides', convert: does}, {format: 'slides', extension: '../x', convert: does}, {format: 'slides', extension: 'html'}],
  },
  {
    event: 'pipeline-executor:register', code: 'PIPELINE_EXECUTOR_CLASH', hasOwn: true,
    names: async (host, own = []) => (await registeredPipelineExecutors(host, own)).map(({name}) => name), good: (name) => ({name, run: does}), bad: [{name: 'Slurm', run: does}, {name: 'slurm'}],
  },
]

describe('what plugins register', () => {
  for (const {event, code, names, good, bad, hasOwn} of kinds) {
    it(`by ${event} is one or many of each, and what is not whole is left out with a warning`, async () => {
      const host = hostOf(event, good('one'), [good('two'), ...bad], undefined)
      assert.deepEqual(await names(host), ['one', 'two'])
      assert.equal(host.warnings.length, bad.length)
      for (const warning of host.warnings) assert.match(warning, /^plugin b registered an? /)
    })

    it(`by ${event} twice is an error that names both`, async () => {
      const clash = {code, exit: 72, category: 'plugin', message: /^a and b both bring .* "one"$/, fix: /cgpu plugins uninstall b/}
      await assert.rejects(names(hostOf(event, good('one'), good('one'))), clash)
      await assert.rejects(names(hostOf(event, good('two'), [good('one'), good('one')])), {code, message: /^b and b /})
      if (hasOwn) await assert.rejects(names(hostOf(event, good('one')), ['one']), {code, message: /^cgpu and a /})
    })
  }

  it('may be an instance of a class, whose methods are its prototype\'s', async () => {
    class Source {
      source = 'vault'
      read(): string {
        return `of ${this.source}`
      }
    }
    const [found] = await registeredSecretSources(hostOf('secret-source:register', new Source()))
    assert.equal(await found?.entry.read('x', {name: 'X', signal: new AbortController().signal}), 'of vault')
  })
})
