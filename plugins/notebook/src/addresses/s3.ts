import {createHash} from 'node:crypto'
import type {SchemeFiles} from '@cgpu/plugin-sdk'
import {type AwsSettings, awsSettings, keysOfProgram} from './aws-settings.ts'
import {type Doing, invalidAddress, refusal} from './problems.ts'
import {replaced, sha256Of} from './replaced.ts'
import {type Answer, request} from './request.ts'
import {awsEncoded, signed} from './sigv4.ts'
import {notebookType} from './web.ts'

const signIn = 'sign in as for the aws program: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or aws sso login'
const nothing = createHash('sha256').digest('hex')

interface Call {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  query?: string
  headers?: Readonly<Record<string, string>>
  body?: Blob
  maxBytes?: number
}

/** `s3://BUCKET/KEY`, at AWS or where AWS_ENDPOINT_URL_S3 says, with the keys that the user's AWS tools have; without any, as anybody. */
export const s3: SchemeFiles = {
  async read(address, {signal, maxBytes}) {
    const place = await placeOf(address, signal)
    const answer = await place.call({method: 'GET', maxBytes})
    if (answer.status !== 200) throw refused(address, answer, 'read')
    return {data: answer.body, version: answer.headers.get('etag') ?? undefined}
  },

  async look(address, {signal}) {
    const place = await placeOf(address, signal)
    // an upload in parts that is begun and given up: whether it may be written, without writing anything
    const begun = await place.call({method: 'POST', query: 'uploads='})
    if (begun.status !== 200) throw refused(address, begun, 'write')
    const id = /<UploadId>([^<]+)<\/UploadId>/.exec(textOf(begun))?.[1]
    if (id !== undefined) await place.call({method: 'DELETE', query: `uploadId=${awsEncoded(unescaped(id))}`})
    const {status, headers} = await place.call({method: 'HEAD'})
    if (status === 200) return headers.get('etag') ?? undefined
    return status === 404 ? null : undefined
  },

  async write(address, file, {signal, replaces}) {
    const place = await placeOf(address, signal)
    const condition: Record<string, string> = replaces === undefined ? {} : replaces === null ? {'if-none-match': '*'} : {'if-match': replaces}
    const answer = await place.call({method: 'PUT', headers: {'content-type': notebookType, ...condition}, body: file})
    if (answer.status === 200) return answer.headers.get('etag') ?? undefined
    if (answer.status === 412 && answer.tries > 1) return replaced(s3, {address, file, signal})
    throw refused(address, answer, 'write')
  },
}

/** A bucket's region and where its keys come from are found out once. */
async function placeOf(address: string, signal: AbortSignal): Promise<{call: (call: Call) => Promise<Answer>}> {
  const [, bucket = '', key = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})\/(.+)$/is.exec(address) ?? []
  if (key === '' || key.endsWith('/')) throw invalidAddress(address, 's3://BUCKET/KEY')
  const settings = await awsSettings()
  let region = settings.region ?? 'us-east-1'
  let {keys} = settings
  let asked = keys !== undefined

  async function once({method, query = '', headers = {}, body, maxBytes = 1024 * 1024}: Call): Promise<Answer> {
    const url = new URL(`${baseOf(bucket, region, settings)}/${key.split('/').map(awsEncoded).join('/')}${query === '' ? '' : `?${query}`}`)
    const sha256 = body ? await sha256Of(body) : nothing
    const sent = keys ? signed({method, url, headers, sha256, region, keys, now: new Date()}) : headers
    return request({address, url: url.href, method, headers: sent, body, maxBytes, signal})
  }

  return {
    async call(call) {
      let answer = await once(call)
      const other = answer.headers.get('x-amz-bucket-region')
      if ([301, 307, 400].includes(answer.status) && other !== null && /^[a-z0-9-]{1,40}$/.test(other) && other !== region) {
        region = other
        answer = await once(call)
      }
      if (answer.status === 403 && !asked) {
        asked = true
        keys = await keysOfProgram()
        if (keys) answer = await once(call)
      }
      return answer
    },
  }
}

/** A certificate covers one label only, so that a bucket with dots goes into the path; other servers have them all there. */
function baseOf(bucket: string, region: string, {endpoint}: AwsSettings): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, '')}/${bucket}`
  return bucket.includes('.') ? `https://s3.${region}.amazonaws.com/${bucket}` : `https://${bucket}.s3.${region}.amazonaws.com`
}

const textOf = ({body}: Answer): string => new TextDecoder().decode(body)
const unescaped = (text: string): string => text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ({amp: '&', lt: '<', gt: '>', quot: '"', apos: "'"})[name] ?? '')

function refused(address: string, answer: Answer, doing: Doing): Error {
  const why = /<Message>([^<]+)<\/Message>/.exec(textOf(answer))?.[1]
  return refusal(address, {status: answer.status, doing, signIn, ...(why === undefined ? {} : {why: unescaped(why)})})
}
