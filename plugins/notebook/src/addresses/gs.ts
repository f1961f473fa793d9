import type {SchemeFiles} from '@cgpu/plugin-sdk'
import {z} from 'zod'
import {tokenAtHand, tokenElsewhere} from './google-token.ts'
import {type Doing, invalidAddress, refusal} from './problems.ts'
import {replaced} from './replaced.ts'
import {type Answer, request} from './request.ts'
import {notebookType} from './web.ts'

const signIn = 'sign in as for gcloud: gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS=FILE'
const generation = z.object({generation: z.string()})
const permissions = z.object({permissions: z.array(z.string()).optional()})

interface Call {
  method: 'GET' | 'POST'
  /** below the host */
  path: string
  body?: Blob
  maxBytes?: number
}

/** `gs://BUCKET/OBJECT` by the JSON API, with the user's Application Default Credentials or gcloud's account; without any, as anybody. */
export const gs: SchemeFiles = {
  async read(address, {signal, maxBytes}) {
    const {call, object} = await placeOf(address, signal)
    const answer = await call({method: 'GET', path: `${object}?alt=media`, maxBytes})
    if (answer.status !== 200) throw refused(address, answer, 'read')
    return {data: answer.body, version: answer.headers.get('x-goog-generation') ?? undefined}
  },

  async look(address, {signal}) {
    const {call, object, bucket, emulated} = await placeOf(address, signal)
    if (!emulated) {
      const answer = await call({method: 'GET', path: `${bucket}/iam/testPermissions?permissions=storage.objects.create`})
      if (answer.status !== 200) throw refused(address, answer, 'write')
      if (!permissions.parse(json(answer)).permissions?.includes('storage.objects.create')) {
        throw refusal(address, {status: 403, why: 'this account may not write there', doing: 'write', signIn})
      }
    }
    const answer = await call({method: 'GET', path: `${object}?fields=generation`})
    if (answer.status === 200) return generation.parse(json(answer)).generation
    return answer.status === 404 ? null : undefined
  },

  async write(address, file, {signal, replaces}) {
    const {call, upload} = await placeOf(address, signal)
    const answer = await call({method: 'POST', path: `${upload}${replaces === undefined ? '' : `&ifGenerationMatch=${replaces ?? '0'}`}`, body: file})
    if (answer.status === 200) return generation.parse(json(answer)).generation
    if (answer.status === 412 && answer.tries > 1) return replaced(gs, {address, file, signal})
    throw refused(address, answer, 'write')
  },
}

async function placeOf(address: string, signal: AbortSignal): Promise<{call: (call: Call) => Promise<Answer>; bucket: string; object: string; upload: string; emulated: boolean}> {
  const [, name = '', key = ''] = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220})\/(.+)$/is.exec(address) ?? []
  if (key === '' || key.endsWith('/')) throw invalidAddress(address, 'gs://BUCKET/OBJECT')
  const {origin, emulated} = hostOf(process.env)
  let token = emulated ? undefined : await tokenAtHand()
  let asked = emulated || token !== undefined

  const once = ({method, path, body, maxBytes = 1024 * 1024}: Call): Promise<Answer> => request({
    address, url: `${origin}${path}`, method, body, maxBytes, signal,
    headers: {...(token === undefined ? {} : {Authorization: `Bearer ${token}`}), ...(body ? {'Content-Type': notebookType} : {})},
  })
  const bucket = `/storage/v1/b/${encodeURIComponent(name)}`
  return {
    bucket, object: `${bucket}/o/${encodeURIComponent(key)}`, upload: `/upload${bucket}/o?uploadType=media&name=${encodeURIComponent(key)}`, emulated,
    async call(call) {
      const answer = await once(call)
      if ((answer.status !== 401 && answer.status !== 403) || asked) return answer
      asked = true
      token = await tokenElsewhere()
      return token === undefined ? answer : once(call)
    },
  }
}

/** Google's own host, or where gcloud's and the client libraries' settings say; an emulator gets no credentials. */
function hostOf(env: NodeJS.ProcessEnv): {origin: string; emulated: boolean} {
  const emulator = env['STORAGE_EMULATOR_HOST']
  if (emulator) return {origin: new URL(emulator.includes('://') ? emulator : `http://${emulator}`).origin, emulated: true}
  const override = env['CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE']
  return {origin: override ? new URL(override).origin : 'https://storage.googleapis.com', emulated: false}
}

function json({body}: Answer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    return undefined
  }
}

function refused(address: string, answer: Answer, doing: Doing): Error {
  const said = z.object({error: z.object({message: z.string()})}).safeParse(json(answer))
  return refusal(address, {status: answer.status, doing, signIn, ...(said.success ? {why: said.data.error.message} : {})})
}
