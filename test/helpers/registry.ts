import {createHash, generateKeyPairSync, type KeyObject, sign} from 'node:crypto'
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {json} from 'node:stream/consumers'
import {packed} from './tarball.ts'

export interface Published {
  name: string
  version?: string
  /** besides package.json */
  files?: Record<string, string>
  /** of package.json, besides name and version */
  pjson?: Record<string, unknown>
  /** instead of what the files make */
  tarball?: Buffer
  /** what the registry says of this version, besides the usual */
  document?: Record<string, unknown>
  /** false: unsigned; `forged`: by another key */
  signed?: boolean | 'forged'
  publishedAt?: string
  tag?: string
  /** what it says of how the tarball came to be */
  attestations?: (about: {name: string; version: string; sha512: string}) => object
}

export interface TestRegistry {
  url: string
  /** what was asked for, as `GET /name` */
  requests: string[]
  publish(one: Published): void
  /** as npm unpublish: the version is gone, that it was there is known */
  takeBack(name: string, version: string): void
  deprecate(name: string, version: string, why: string): void
  /** answers of the advisories */
  advisories: Record<string, object[]>
  /** from now on tarballs come with other bytes */
  corrupt: boolean
  /** from now on every connection is cut */
  down: boolean
  /** no keys, no search, no advisories: as simple registries are */
  bare: boolean
  /** searches as verdaccio does */
  plain: boolean
  stop(): Promise<void>
}

/** What `npm publish` sends. */
interface Sent {
  name: string
  'dist-tags': Record<string, string>
  versions: Record<string, Record<string, unknown>>
  _attachments: Record<string, {data: string}>
}

interface Packument {
  name: string
  'dist-tags': Record<string, string>
  versions: Record<string, Record<string, unknown>>
  time: Record<string, string>
}

/** An npm registry on loopback that signs what it is given, by `publish` or by `npm publish`, with a key of its own. */
export async function startRegistry(): Promise<TestRegistry> {
  const key = generateKeyPairSync('ec', {namedCurve: 'prime256v1'})
  const other = generateKeyPairSync('ec', {namedCurve: 'prime256v1'})
  const packages = new Map<string, Packument>()
  const tarballs = new Map<string, Buffer>()
  const attested = new Map<string, object>()

  const answer = (response: ServerResponse, status: number, body: object | Buffer): void => {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
    response.writeHead(status, {'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json', 'content-length': bytes.length}).end(bytes)
  }
  const search = (text: string): object[] => [...packages.values()].flatMap(({name, versions, 'dist-tags': {latest = ''}, time}): object[] => {
    const document = versions[latest]
    const words = `${name} ${JSON.stringify(document?.['keywords'] ?? [])} ${String(document?.['description'])}`
    if (registry.plain && text.includes('keywords:')) return []
    const fits = text.split(' ').every((word) => words.includes(word.replace(/^keywords:/, '')))
    if (fits && registry.plain) return [{package: {name, 'dist-tags': {latest}, keywords: document?.['keywords'], publisher: {}}}]
    return fits && document ? [{package: {name, version: latest, description: document['description'], date: time[latest], publisher: {username: 'alice'}}, downloads: {monthly: 1200}}] : []
  })
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const {pathname, searchParams} = new URL(request.url ?? '/', 'http://localhost')
    const path = decodeURIComponent(pathname).slice(1)
    registry.requests.push(`${request.method} /${path}`)
    if (registry.down) return void request.socket.destroy()
    if (request.method === 'PUT') return void take(request, response)
    if (path.startsWith('-/') && registry.bare) return answer(response, 404, {})
    if (path === '-/npm/v1/keys') return answer(response, 200, {keys: [{keyid: 'SHA256:test', keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256', expires: null, key: key.publicKey.export({format: 'der', type: 'spki'}).toString('base64')}]})
    const attestations = attested.get(path)
    if (attestations) return answer(response, 200, attestations)
    if (path === '-/v1/search') return answer(response, 200, {objects: search(searchParams.get('text') ?? ''), total: 1})
    if (path === '-/npm/v1/security/advisories/bulk') return answer(response, 200, registry.advisories)
    const [name = '', file] = path.split('/-/')
    const bytes = file === undefined ? undefined : tarballs.get(`${name}/${file}`)
    if (bytes) return answer(response, 200, registry.corrupt ? Buffer.concat([bytes, Buffer.from('x')]) : bytes)
    const found = packages.get(name)
    return found && file === undefined ? answer(response, 200, found) : answer(response, 404, {error: 'not found'})
  }
  /** By the real npm, which wants somebody to be signed in; who is none of our business. */
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.headers.authorization === undefined) return answer(response, 401, {error: 'sign in'})
    const {name, versions, 'dist-tags': tags, _attachments: files} = await json(request) as Sent // npm's own
    const [[version, pjson] = ['', {}]] = Object.entries(versions)
    if (Object.hasOwn(packages.get(name)?.versions ?? {}, version)) return answer(response, 403, {error: 'it is there already'})
    registry.publish({name, version, pjson, tarball: Buffer.from(Object.values(files)[0]?.data ?? '', 'base64'), tag: Object.keys(tags)[0] ?? 'latest', publishedAt: new Date().toISOString()})
    answer(response, 201, {ok: true})
  }
  const server = createServer(serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/` // a TCP server has one

  const registry: TestRegistry = {
    url, requests: [], advisories: {}, corrupt: false, down: false, bare: false, plain: false,
    publish({name, version = '1.0.0', files = {}, pjson = {}, tarball, document = {}, signed = true, publishedAt = '2026-01-02T03:04:05.000Z', tag = 'latest', attestations}) {
      const own = {name, version, ...pjson}
      const bytes = tarball ?? packed({'package.json': JSON.stringify(own), ...files})
      const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
      const file = `${name.split('/').at(-1)}-${version}.tgz`
      const by = (privateKey: KeyObject) => [{keyid: 'SHA256:test', sig: sign('sha256', Buffer.from(`${name}@${version}:${integrity}`), privateKey).toString('base64')}]
      const signatures = signed === false ? undefined : by(signed === 'forged' ? other.privateKey : key.privateKey)
      const attestationsPath = `-/npm/v1/attestations/${name}@${version}`
      if (attestations) attested.set(attestationsPath, attestations({name, version, sha512: createHash('sha512').update(bytes).digest('hex')}))
      const existing = packages.get(name) ?? {name, 'dist-tags': {}, versions: {}, time: {}}
      existing.versions[version] = {
        ...own, _id: `${name}@${version}`, _npmUser: {name: 'alice'}, license: own['license' as keyof typeof own] ?? 'MIT',
        dist: {tarball: `${url}${name}/-/${file}`, integrity, shasum: createHash('sha1').update(bytes).digest('hex'), ...(signatures ? {signatures} : {}), ...(attestations ? {attestations: {url: `${url}${attestationsPath}`}} : {})}, ...document,
      }
      existing['dist-tags'][tag] = version
      existing.time[version] = publishedAt
      packages.set(name, existing)
      tarballs.set(`${name}/${file}`, bytes)
    },
    takeBack(name, version) {
      delete packages.get(name)?.versions[version]
    },
    deprecate(name, version, why) {
      Object.assign(packages.get(name)?.versions[version] ?? {}, {deprecated: why})
    },
    stop: () => new Promise<void>((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
  return registry
}
