import type {z as Zod} from 'zod'
import {errors} from '../errors.ts'
import type {JsonObject} from '../state/json.ts'
import {didYouMean} from '../text/closest.ts'
import {sanitizeLine} from '../text/line.ts'
import {outputSchemas} from './zod.ts'

type Schemas = Awaited<ReturnType<typeof outputSchemas>>

/** What each command's `data` is, by command id. */
const results: Record<string, (schemas: Schemas, z: typeof Zod) => Zod.ZodType> = {
  'auth:list': (one, z) => z.array(one.accountStatus),
  'auth:login': (one, z) => z.union([z.looseObject({event: z.literal('auth_required'), url: z.string(), expiresInSeconds: z.number()}), one.account]),
  'auth:logout': (_, z) => z.array(z.looseObject({id: z.string(), email: z.string(), revoked: z.boolean()})),
  'auth:status': (one, z) => z.looseObject({account: one.accountStatus, hosts: z.record(z.string(), z.string()), emulator: z.string().nullable()}),
  'auth:switch': one => one.account,
  'auth:token': (_, z) => z.looseObject({account: z.string(), token: z.string()}),
  code: (one, z) => one.jupyterWay.extend({link: z.string(), opened: z.boolean()}),
  completion: (_, z) => z.looseObject({shell: z.string().nullable(), script: z.string().nullable()}),
  'completion:install': (_, z) => z.looseObject({shell: z.string(), changes: z.array(z.looseObject({path: z.string(), change: z.string()})), dryRun: z.boolean()}),
  'completion:uninstall': (_, z) => z.looseObject({shell: z.string(), changes: z.array(z.looseObject({path: z.string(), change: z.string()})), dryRun: z.boolean()}),
  'config:get': one => one.configEntry,
  'config:list': (one, z) => z.array(one.configEntry),
  'config:set': one => one.configEntry,
  'config:trust': (_, z) => z.looseObject({path: z.string(), hooks: z.array(z.string()), runs: z.boolean()}),
  'config:unset': one => one.configEntry,
  cp: (one, z) => z.union([one.fetched, one.copied]),
  'daemon:logs': (_, z) => z.looseObject({path: z.string(), lines: z.array(z.string())}),
  'daemon:start': (_, z) => z.looseObject({pid: z.int(), started: z.boolean()}),
  'daemon:status': one => one.daemon,
  'daemon:stop': (_, z) => z.looseObject({stopped: z.boolean(), running: z.int()}),
  'debug:log': (one, z) => z.array(one.debugLog),
  doctor: (one, z) => z.looseObject({checks: z.array(one.doctorCheck)}),
  'drive:mount': one => one.driveMounted,
  'drive:unmount': one => one.driveUnmounted,
  exec: one => one.exec,
  'fs:cat': (one, z) => z.array(one.fileContent),
  'fs:du': (_, z) => z.array(z.looseObject({path: z.string(), onDisk: z.int(), size: z.int(), files: z.int()})),
  'fs:edit': (_, z) => z.looseObject({path: z.string(), changed: z.boolean(), sha256: z.string().nullable()}),
  'fs:find': (one, z) => z.array(one.fileEntry),
  'fs:head': one => one.fileContent,
  'fs:ls': (one, z) => z.array(one.fileEntry),
  'fs:mkdir': (_, z) => z.array(z.looseObject({path: z.string()})),
  'fs:mv': (_, z) => z.array(z.looseObject({from: z.string(), to: z.string()})),
  'fs:open': (_, z) => z.looseObject({path: z.string(), size: z.int(), opened: z.boolean()}),
  'fs:rm': (_, z) => z.array(z.looseObject({path: z.string(), type: z.string(), files: z.int().optional(), size: z.int().optional()})),
  'fs:stat': (one, z) => z.array(one.fileFacts),
  'fs:tail': one => one.fileContent,
  'history:clear': (_, z) => z.looseObject({cleared: z.int(), kept: z.int()}),
  'history:diff': (_, z) => z.looseObject({a: z.string(), b: z.string(), equal: z.boolean(), differs: z.array(z.string()), diff: z.string()}),
  'history:export': (_, z) => z.looseObject({format: z.string(), count: z.int(), path: z.string().optional(), content: z.string().optional()}),
  'history:list': (one, z) => z.array(one.historyEntry),
  'history:rerun': (one, z) => z.union([z.looseObject({id: z.string(), line: z.string()}), one.exec, one.run]),
  'history:search': (one, z) => z.array(one.historyEntry.extend({line: z.string()})),
  'history:show': one => one.historyEntry,
  'history:stats': one => one.historyStats,
  'job:attach': one => one.attached,
  'job:cancel': (one, z) => z.array(one.job),
  'job:list': (one, z) => z.array(one.job),
  'job:logs': one => one.jobLogs,
  'job:move': one => one.moved,
  'job:retry': one => one.run,
  'job:rm': (_, z) => z.array(z.looseObject({id: z.string(), runtime: z.string()})),
  'job:show': one => one.job,
  'job:wait': (one, z) => z.array(one.job),
  'jupyter:proxy': one => one.jupyterWay,
  'kernel:attach': one => one.conversation,
  'kernel:interrupt': one => one.kernel,
  'kernel:list': (one, z) => z.array(one.kernel),
  'kernel:restart': one => one.kernel,
  'kernel:show': one => one.kernel,
  'kernel:shutdown': (one, z) => z.array(one.kernel),
  'kernel:specs': (_, z) => z.array(z.looseObject({name: z.string(), displayName: z.string(), language: z.string(), isDefault: z.boolean()})),
  'kernel:start': one => one.kernel,
  lab: (_, z) => z.looseObject({runtime: z.string(), url: z.string(), kind: z.string(), opened: z.boolean()}),
  'plugins:create': (_, z) => z.looseObject({name: z.string(), folder: z.string(), files: z.array(z.string())}),
  'plugins:manifest': (_, z) => z.looseObject({file: z.string(), commands: z.array(z.string())}),
  'port:close': (one, z) => z.array(one.portForward),
  'port:forward': one => one.portForward,
  'port:list': (one, z) => z.array(z.union([one.portForward, z.looseObject({port: z.int(), addresses: z.array(z.string()), pid: z.int().nullable(), program: z.string(), jupyter: z.boolean()})])),
  repl: one => one.conversation,
  run: one => one.run,
  'runtime:accelerators': (one, z) => z.array(one.accelerator),
  'runtime:add': one => one.runtime,
  'runtime:adopt': one => one.runtime,
  'runtime:create': one => one.runtime,
  'runtime:ensure': one => one.runtime,
  'runtime:list': (one, z) => z.array(one.runtime),
  'runtime:reap': (one, z) => z.array(one.reaped),
  'runtime:release': (one, z) => z.array(one.released),
  'runtime:rename': one => one.runtime,
  'runtime:show': one => one.runtime,
  'runtime:url': one => one.browserUrl,
  'runtime:use': one => one.runtime,
  'schedule:create': one => one.schedule,
  'schedule:list': (one, z) => z.array(one.schedule),
  'schedule:logs': (_, z) => z.looseObject({name: z.string(), run: z.int(), output: z.string()}),
  'schedule:pause': one => one.schedule,
  'schedule:resume': one => one.schedule,
  'schedule:rm': (_, z) => z.array(z.looseObject({name: z.string()})),
  'schedule:run': one => one.scheduleRun,
  'schedule:show': (one, z) => one.schedule.extend({runs: z.array(one.scheduleRun)}),
  'secret:delete': (_, z) => z.looseObject({name: z.string()}),
  'secret:list': (one, z) => z.array(one.secret),
  'secret:set': (_, z) => z.looseObject({name: z.string(), source: z.string()}),
  shell: (one, z) => z.union([one.commanded, z.array(one.terminal), one.terminal]),
  ssh: (_, z) => z.looseObject({runtime: z.string(), exitStatus: z.int()}),
  'ssh:config': (_, z) => z.looseObject({hosts: z.array(z.looseObject({host: z.string(), runtime: z.string()})), text: z.string(), path: z.string().nullable()}),
  'support-bundle': (_, z) => z.looseObject({path: z.string().nullable(), bytes: z.int().nonnegative(), sections: z.array(z.string()), text: z.string().optional()}),
  update: (one, z) => z.union([one.updated, z.array(z.looseObject({version: z.string(), released: z.string(), channels: z.array(z.string()), state: z.string()}))]),
  usage: one => one.usage,
  'version:install': (_, z) => z.looseObject({id: z.string(), installed: z.boolean()}),
  'version:list': (one, z) => z.array(one.installedVersion),
  'version:remove': (one, z) => z.array(one.installedVersion),
  'version:use': one => one.updated,
  why: one => one.why,
}

/** Whatever else `cgpu schema` can print. */
const others = ['events', 'error'] as const

/** The names that `schemaFor` takes, sorted. */
export function schemaNames(): string[] {
  return [...Object.keys(results), ...others].sort()
}

/**
 * The JSON Schema (draft 2020-12) of a command's `--json` output, of `events` (a line of `--output ndjson`) or of
 * `error` (the envelope of a failure). Commands may be given with spaces or colons. Throws NO_SCHEMA (exit 66).
 */
export async function schemaFor(name: string): Promise<JsonObject> {
  const id = name.trim().replaceAll(/\s+/g, ':')
  const schemas = await outputSchemas()
  const {z} = await import('zod')
  const result = Object.hasOwn(results, id) ? results[id] : undefined
  const schema = result ? schemas.envelope(id, result(schemas, z)) : id === 'events' ? schemas.streamEvent : id === 'error' ? schemas.failure : undefined
  if (!schema) {
    const spoken = schemaNames().map(one => one.replaceAll(':', ' '))
    throw errors.notFound(`there is no schema for "${sanitizeLine(name, 60)}"`, {
      code: 'NO_SCHEMA', category: 'usage', fix: didYouMean(id.replaceAll(':', ' '), spoken) ?? `choose one of: ${spoken.join(', ')}`,
    })
  }
  const title = result ? `cgpu ${id.replaceAll(':', ' ')} --json` : id === 'events' ? 'a line of --output ndjson' : 'a failure with --json'
  const json = z.toJSONSchema(schema, {target: 'draft-2020-12'})
  return {...json, title}
}
