import {createHash, generateKeyPairSync, sign} from 'node:crypto'
import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'

/** A TUF repository on loopback that gives one file, signed with a key of its own. */
export interface TufRepository {
  url: string
  /** its root.json, which whoever trusts it begins with */
  root: string
  stop(): Promise<void>
}

/** OLPC's canonical JSON, as far as plain ASCII goes. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(',')}}`
}

export async function tufRepository(name: string, content: string): Promise<TufRepository> {
  const {publicKey, privateKey} = generateKeyPairSync('ed25519')
  const keyid = createHash('sha256').update(publicKey.export({format: 'der', type: 'spki'})).digest('hex')
  const raw = publicKey.export({format: 'der', type: 'spki'}).subarray(-32).toString('hex')
  const signed = (type: string, more: object): string => {
    const body = {_type: type, spec_version: '1.0.31', version: 1, expires: new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, ''), ...more}
    return JSON.stringify({signed: body, signatures: [{keyid, sig: sign(undefined, Buffer.from(canonical(body)), privateKey).toString('hex')}]})
  }
  const role = {keyids: [keyid], threshold: 1}
  const files = new Map([
    ['/timestamp.json', signed('timestamp', {meta: {'snapshot.json': {version: 1}}})],
    ['/snapshot.json', signed('snapshot', {meta: {'targets.json': {version: 1}}})],
    ['/targets.json', signed('targets', {targets: {[name]: {length: Buffer.byteLength(content), hashes: {sha256: createHash('sha256').update(content).digest('hex')}}}})],
    [`/targets/${name}`, content],
  ])
  const server = createServer(({url = ''}, response) => {
    const file = files.get(url)
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    root: signed('root', {consistent_snapshot: false, keys: {[keyid]: {keytype: 'ed25519', scheme: 'ed25519', keyval: {public: raw}}}, roles: {root: role, timestamp: role, snapshot: role, targets: role}}),
    stop: () => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
}
