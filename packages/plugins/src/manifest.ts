import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {z} from 'zod'

const reason = z.string().min(1).max(300)
const pattern = z.string().min(1).max(500)

/** What a plugin needs beyond its own folder, and why: people read the reasons before they install it. */
const capability = z.discriminatedUnion('use', [
  /** code on a runtime, by cgpu, and what it prints */
  z.object({use: z.literal('kernel'), reason}),
  /** runtimes: to list, create and release them */
  z.object({use: z.literal('runtimes'), access: z.enum(['read', 'manage']), reason}),
  /** files of this computer: paths, absolute, `~/…`, or below the folder that the command was started in */
  z.object({use: z.literal('files'), read: z.array(pattern).default([]), write: z.array(pattern).default([]), reason}),
  /** hosts of the network: `api.example.com`, `*.example.com`, `host:port`; `*` is all of them */
  z.object({use: z.literal('net'), hosts: z.array(pattern).min(1), reason}),
  /** secrets of cgpu's store, by name */
  z.object({use: z.literal('secrets'), names: z.array(pattern).min(1), reason}),
  /** programs of this computer */
  z.object({use: z.literal('exec'), programs: z.array(pattern).min(1), reason}),
])

export type Capability = z.infer<typeof capability>

const manifest = z.object({contract: z.number().int().positive(), capabilities: z.array(capability).default([])})

/** `cgpu` in a plugin's package.json. */
export type PluginManifest = z.infer<typeof manifest>

/** Undefined: a plain oclif plugin, which declares nothing. Throws PLUGIN_MANIFEST (65) for one that cannot be understood: what is not understood cannot be agreed to. */
export function manifestOf(pjson: unknown, name: string): PluginManifest | undefined {
  const declared = typeof pjson === 'object' && pjson !== null && 'cgpu' in pjson ? pjson.cgpu : undefined
  if (declared === undefined) return undefined
  const parsed = manifest.safeParse(declared)
  if (parsed.success) return parsed.data
  const [first] = parsed.error.issues
  throw errors.data(`the manifest of ${sanitizeLine(name, 100)} is wrong: cgpu.${first?.path.join('.') ?? ''} ${sanitizeLine(first?.message ?? '', 200)}`, {
    code: 'PLUGIN_MANIFEST', category: 'plugin', fix: 'its author has to correct it; a newer version may have it right', details: {plugin: name},
  })
}

/** One line for people: `net: api.example.com (uploads metrics)`. */
export function describeCapability(one: Capability): string {
  const what = {
    kernel: () => 'code on your runtimes',
    runtimes: () => (one.use === 'runtimes' && one.access === 'manage' ? 'creates and releases runtimes' : 'sees your runtimes'),
    files: () => (one.use === 'files' ? [...one.read.map(path => `reads ${path}`), ...one.write.map(path => `writes ${path}`)].join(', ') : ''),
    net: () => (one.use === 'net' ? one.hosts.join(', ') : ''),
    secrets: () => (one.use === 'secrets' ? one.names.join(', ') : ''),
    exec: () => (one.use === 'exec' ? one.programs.join(', ') : ''),
  }[one.use]()
  return sanitizeLine(`${one.use}: ${what} (${one.reason})`, 500)
}
