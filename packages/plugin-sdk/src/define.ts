import type {ProviderFactory} from '@cgpu/core/provider'
import type {SchemeHandler} from '@cgpu/core/fetch/plan'
import type {CgpuEvent, CgpuHook} from './hook-types.ts'
import type {MetricSink, NotebookExporter, PipelineExecutor, SecretReader} from './registration-types.ts'

/** The default export of a hook's file, typed: `export default defineHook('execution:after', async ({outcome}) => …)`. */
export function defineHook<E extends CgpuEvent>(_event: E, hook: CgpuHook<E>): CgpuHook<E> {
  return hook
}

/** The default export of the file of `provider:register`: `export default defineProvider('mine', (context) => new MyProvider(context))`. */
export function defineProvider(id: string, factory: ProviderFactory): CgpuHook<'provider:register'> {
  return async () => ({id, factory})
}

/** The same for `scheme:register`: how `cgpu cp SCHEME://… NAME:PATH` fetches. */
export function defineScheme(scheme: string, resolve: SchemeHandler): CgpuHook<'scheme:register'> {
  return async () => ({scheme, resolve})
}

/** The same for `secret-source:register`: where `--secret NAME=SOURCE:REFERENCE` gets its value. */
export function defineSecretSource(source: string, read: SecretReader): CgpuHook<'secret-source:register'> {
  return async () => ({source, read})
}

/** The same for `metric-sink:register`: is given what was measured at the end of each execution and job. */
export function defineMetricSink(name: string, sink: MetricSink): CgpuHook<'metric-sink:register'> {
  return async () => ({name, sink})
}

/** The same for `notebook-exporter:register`: a format that notebooks are written in. */
export function defineNotebookExporter(format: string, extension: string, convert: NotebookExporter): CgpuHook<'notebook-exporter:register'> {
  return async () => ({format, extension, convert})
}

/** The same for `pipeline-executor:register`: what does a step with `uses: NAME`. */
export function definePipelineExecutor(name: string, run: PipelineExecutor): CgpuHook<'pipeline-executor:register'> {
  return async () => ({name, run})
}
