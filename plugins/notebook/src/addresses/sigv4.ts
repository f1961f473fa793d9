import {createHash, createHmac} from 'node:crypto'

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

export interface ToSign {
  method: string
  url: URL
  /** what else is sent and is to be signed, names in lower case */
  headers?: Readonly<Record<string, string>>
  /** of the body, in hex */
  sha256: string
  region: string
  keys: AwsKeys
  now: Date
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** The headers of a request to S3 signed with AWS Signature Version 4, its own among them. The URL's path and query are encoded as `awsEncoded` does. */
export function signed({method, url, headers = {}, sha256, region, keys, now}: ToSign): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const all: Record<string, string> = {
    ...headers, host: url.host, 'x-amz-content-sha256': sha256, 'x-amz-date': time, ...(keys.sessionToken === undefined ? {} : {'x-amz-security-token': keys.sessionToken}),
  }
  const names = Object.keys(all).sort()
  const query = [...url.searchParams].map(([name, value]) => `${awsEncoded(name)}=${awsEncoded(value)}`).sort().join('&')
  const canonical = [method, url.pathname, query, ...names.map((name) => `${name}:${(all[name] ?? '').trim()}`), '', names.join(';'), sha256].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const key = ['s3', 'aws4_request'].reduce<Buffer>(hmac, hmac(hmac(`AWS4${keys.secretAccessKey}`, day), region))
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')).toString('hex')
  const {host: _, ...sent} = all // fetch says it itself
  return {...sent, Authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope},SignedHeaders=${names.join(';')},Signature=${signature}`}
}

/** As AWS encodes: everything but letters, digits, `-`, `.`, `_` and `~`. */
export const awsEncoded = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
