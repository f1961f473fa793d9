import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {SealedHome} from './cli.ts'

export interface PluginFixture {
  name: string
  /** event -> body of an async function of `options` */
  hooks?: Record<string, string>
  /** file name without .js -> its source */
  commands?: Record<string, string>
  /** `cgpu.contract`; default 1 */
  contract?: unknown
}

/** Writes a plugin and links it into the home, as `cgpu plugins link` would. Several may be linked. */
export async function linkPlugin(home: SealedHome, fixtures: PluginFixture[]): Promise<void> {
  const plugins: object[] = []
  for (const {name, hooks = {}, commands = {}, contract = 1} of fixtures) {
    const root = join(home.path, 'plugins', name.replace('/', '-'))
    await mkdir(join(root, 'commands'), {recursive: true})
    // cgpu knows what a plugin brings that has no commands; of one that has some and no manifest it has to load them
    const folder = Object.keys(commands).length > 0 ? {commands: './commands'} : {}
    const files: Record<string, string> = {}
    for (const [event, body] of Object.entries(hooks)) {
      const file = `hook-${event.replace(':', '-')}.js`
      await writeFile(join(root, file), `export default async function (options) {\n${body}\n}\n`)
      files[event] = `./${file}`
    }
    for (const [file, source] of Object.entries(commands)) await writeFile(join(root, 'commands', `${file}.js`), source)
    const pjson = {name, version: '1.0.0', type: 'module', files: [], oclif: {...folder, hooks: files}, cgpu: {contract}}
    await writeFile(join(root, 'package.json'), JSON.stringify(pjson))
    plugins.push({type: 'link', name, root})
  }
  await mkdir(home.dataDir, {recursive: true})
  await writeFile(join(home.dataDir, 'package.json'), JSON.stringify({private: true, oclif: {schema: 1, plugins}}))
}
