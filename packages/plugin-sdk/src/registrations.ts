import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {fire, type HookHost} from './fire.ts'
import type {
  MetricSinkRegistration, NotebookExporterRegistration, PipelineExecutorRegistration, ProviderRegistration, SchemeRegistration, SecretSourceRegistration,
} from './registration-types.ts'

/** What a plugin brings, and the plugin's name. */
export interface Registered<T> {
  plugin: string
  entry: T
}

/** `lake`, `git+ssh`, `aws-sm`: what stands on a command line before a colon, or behind `--to`. */
const word = /^[a-z][a-z0-9+.-]{1,30}$/
const isWord = (value: unknown): boolean => typeof value === 'string' && word.test(value)

/** Providers that plugins bring. Two with the same id: both plugins are named (PROVIDER_CLASH). */
export async function registeredProviders(host: HookHost): Promise<ProviderRegistration[]> {
  return entriesOf(unique(await fire(host, 'provider:register', {}), {
    host, what: 'a provider', code: 'PROVIDER_CLASH', nameOf: ({id}) => id, lacks: ({id, factory}) => typeof id !== 'string' || typeof factory !== 'function' ? 'an id or a factory' : undefined,
  }))
}

/** Schemes that plugins bring. Two alike, or one that cgpu has itself (`own`): both are named (SCHEME_CLASH). */
export async function registeredSchemes(host: HookHost, own: readonly string[]): Promise<SchemeRegistration[]> {
  return entriesOf(unique(await fire(host, 'scheme:register', {}), {
    host, what: 'a scheme', code: 'SCHEME_CLASH', nameOf: ({scheme}) => scheme, own,
    lacks: ({scheme, resolve}) => (!isWord(scheme) || typeof resolve !== 'function' ? 'a name or a resolve function' : undefined),
  }))
}

/** Where plugins get secrets from. Two alike: both are named (SECRET_SOURCE_CLASH). */
export async function registeredSecretSources(host: HookHost): Promise<Registered<SecretSourceRegistration>[]> {
  return unique(await fire(host, 'secret-source:register', {}), {
    host, what: 'a secret source', code: 'SECRET_SOURCE_CLASH', nameOf: ({source}) => source,
    lacks: ({source, read}) => (!isWord(source) || typeof read !== 'function' ? 'a name or a read function' : undefined),
  })
}

const sinks = new WeakMap<HookHost, Promise<Registered<MetricSinkRegistration>[]>>()

/** Who is given measurements; each host asks once, whatever it executes. Two of one name: both plugins are named (METRIC_SINK_CLASH). */
export function registeredMetricSinks(host: HookHost): Promise<Registered<MetricSinkRegistration>[]> {
  const asked = sinks.get(host) ?? askForSinks(host)
  sinks.set(host, asked)
  return asked
}

async function askForSinks(host: HookHost): Promise<Registered<MetricSinkRegistration>[]> {
  return unique(await fire(host, 'metric-sink:register', {}), {
    host, what: 'a metric sink', code: 'METRIC_SINK_CLASH', nameOf: ({name}) => name,
    lacks: ({name, sink}) => (typeof name !== 'string' || name === '' || typeof sink !== 'function' ? 'a name or a function' : undefined),
  })
}

/** Formats that plugins bring for notebooks. Two alike, or one of the caller's `own`: both are named (NOTEBOOK_EXPORTER_CLASH). */
export async function registeredNotebookExporters(host: HookHost, own: readonly string[]): Promise<NotebookExporterRegistration[]> {
  return entriesOf(unique(await fire(host, 'notebook-exporter:register', {}), {
    host, what: 'a notebook format', code: 'NOTEBOOK_EXPORTER_CLASH', nameOf: ({format}) => format, own,
    lacks: ({format, extension, convert}) => (!isWord(format) || typeof extension !== 'string' || !/^\w[\w.]{0,20}$/.test(extension) || typeof convert !== 'function' ? 'a format, an extension or a convert function' : undefined),
  }))
}

/** What plugins do steps of pipelines with. Two alike, or one of the caller's `own`: both are named (PIPELINE_EXECUTOR_CLASH). */
export async function registeredPipelineExecutors(host: HookHost, own: readonly string[]): Promise<PipelineExecutorRegistration[]> {
  return entriesOf(unique(await fire(host, 'pipeline-executor:register', {}), {
    host, what: 'a pipeline executor', code: 'PIPELINE_EXECUTOR_CLASH', nameOf: ({name}) => name, own,
    lacks: ({name, run}) => (!isWord(name) || typeof run !== 'function' ? 'a name or a run function' : undefined),
  }))
}

const entriesOf = <T>(all: readonly Registered<T>[]): T[] => all.map(({entry}) => entry)

interface Registering<T> {
  host: HookHost
  what: string
  code: string
  nameOf: (entry: T) => string
  /** what a registration needs and this one has not */
  lacks: (entry: Partial<T>) => string | undefined
  /** names that the caller has itself */
  own?: readonly string[]
}

function unique<T>(answers: readonly {plugin: string; result: T | T[] | void}[], {host, what, code, nameOf, lacks, own = []}: Registering<T>): Registered<T>[] {
  const seen = new Map(own.map((name) => [name, 'cgpu']))
  const all: Registered<T>[] = []
  for (const {plugin, result} of answers) {
    for (const entry of result === undefined ? [] : ([result].flat() as T[])) { // one or several, as the plugin likes
      const missing = lacks(entry ?? {})
      if (missing !== undefined) {
        host.warn(`plugin ${plugin} registered ${what} without ${missing}`)
        continue
      }
      const name = nameOf(entry)
      const other = seen.get(name)
      if (other !== undefined) {
        throw errors.conflict(`${other} and ${plugin} both bring ${what} "${sanitizeLine(name, 60)}"`, {
          code, category: 'plugin', fix: `remove one of them: cgpu plugins uninstall ${plugin}`,
        })
      }
      seen.set(name, plugin)
      all.push({plugin, entry})
    }
  }
  return all
}
