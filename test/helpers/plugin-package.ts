import type {Published} from './registry.ts'

export interface PluginPackage {
  name: string
  version?: string
  /** command id with colons -> the body of its `run` */
  commands?: Record<string, string>
  capabilities?: object[]
  contract?: number
  hooks?: Record<string, string>
  pjson?: Record<string, unknown>
  manifest?: Record<string, unknown> | null
  files?: Record<string, string>
}

const className = 'Fixture'

/** A plugin as its author publishes it, with the manifest that `cgpu plugins manifest` would write. */
export function pluginPackage({name, version = '1.0.0', commands = {hello: 'this.log("hello"); return {said: "hello"}'}, capabilities = [], contract = 1, hooks = {}, pjson = {}, manifest, files = {}}: PluginPackage): Published & {version: string} {
  const file = (id: string): string => `dist/commands/${id.replaceAll(':', '/')}.js`
  const described = Object.fromEntries(Object.keys(commands).map((id) =>
    [id, {id, aliases: [], args: {}, flags: {}, hiddenAliases: [], pluginName: name, pluginType: 'core', strict: true, summary: `says ${id}`, isESM: true, relativePath: file(id).split('/')}]))
  const sources = Object.fromEntries(Object.entries(commands).map(([id, body]) =>
    [file(id), `import {CgpuCommand} from '@cgpu/plugin-sdk'\nexport default class ${className} extends CgpuCommand {\n  async run() { ${body} }\n}\n`]))
  const hookFiles = Object.fromEntries(Object.entries(hooks).map(([event, body]) => [`dist/hook-${event.replace(':', '-')}.js`, `export default async function (options) { ${body} }\n`]))
  return {
    name, version,
    files: {...sources, ...hookFiles, ...(manifest === null ? {} : {'oclif.manifest.json': JSON.stringify(manifest ?? {version, commands: described})}), ...files},
    pjson: {
      type: 'module', description: `the fixture ${name}`, license: 'MIT', keywords: ['cgpu-plugin'],
      oclif: {commands: './dist/commands', hooks: Object.fromEntries(Object.keys(hooks).map((event) => [event, `./dist/hook-${event.replace(':', '-')}.js`]))},
      cgpu: {contract, capabilities}, peerDependencies: {'@cgpu/plugin-sdk': '*'}, peerDependenciesMeta: {'@cgpu/plugin-sdk': {optional: true}}, ...pjson,
    },
  }
}
