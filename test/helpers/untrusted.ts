import {cp, mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type Capability, manifestOf, TrustStore} from '@cgpu/plugins'
import {repoRoot, type SealedHome} from './cli.ts'

export interface UntrustedOptions {
  /** default: all that its manifest asks for */
  granted?: Capability[]
  acceptsNetwork?: boolean
  /** that was agreed to; default: its own */
  version?: string
  level?: 'trusted' | 'untrusted'
}

/** Installs a plugin's folder below test/fixtures/plugins (or an absolute one) into the home, as `cgpu plugins install` leaves it. Returns where it is. */
export async function installFixture(home: SealedHome, fixture: string, {granted, acceptsNetwork = false, version, level = 'untrusted'}: UntrustedOptions = {}): Promise<string> {
  const from = fixture.startsWith('/') ? fixture : join(repoRoot, 'test/fixtures/plugins', fixture)
  const pjson = JSON.parse(await readFile(join(from, 'package.json'), 'utf8')) as {name: string; version: string} // ours
  const {name} = pjson
  const root = join(home.dataDir, 'node_modules', name)
  await mkdir(root, {recursive: true})
  await cp(from, root, {recursive: true, verbatimSymlinks: true})
  const listed = join(home.dataDir, 'package.json')
  const before = JSON.parse(await readFile(listed, 'utf8').catch(() => '{}')) as {oclif?: {plugins: {name: string}[]}} // written below
  const plugins = [...(before.oclif?.plugins ?? []).filter((one) => one.name !== name), {type: 'user', name, tag: 'latest'}]
  await writeFile(listed, JSON.stringify({private: true, oclif: {schema: 1, plugins}, dependencies: {}}))
  await new TrustStore(home.dataDir).put({
    name, level, version: version ?? pjson.version, granted: granted ?? manifestOf(pjson, name)?.capabilities ?? [], at: '2026-11-29T00:00:00.000Z',
    ...(acceptsNetwork ? {acceptsNetwork} : {}),
  })
  return root
}
