import {z} from 'zod/mini'
import type {KernelHost, RuntimeEndpoint} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'

/** What answering needs of the provider: `authorizeMachine` for this runtime. */
export interface KernelRequestActions {
  authorize(what: 'drive' | 'user', host: Pick<KernelHost, 'consent'>): Promise<void>
}

/** `colab_request` as Colab's library sends it on iopub (protocol notes, 4.6). Without `colab_msg_id` nobody waits for an answer. */
const requestShape = z.object({
  metadata: z.object({colab_request_type: z.string(), colab_msg_id: z.union([z.number(), z.string()])}),
  content: z.object({request: z.optional(z.unknown())}),
})
const secretShape = z.object({key: z.string().check(z.maxLength(1000))})
const authShape = z.object({authType: z.string()})

/** What is asked for a page of Colab that is not there: said in the words of whoever wrote the code. */
const unsupported: Record<string, string> = {
  cell_javascript_eval:
    'there is no browser page to run JavaScript in, which files.upload(), files.download() and output.eval_js() need; copy files with: cgpu cp',
}

type Answer = {data?: unknown} | {error: string}

/**
 * Answers what `google.colab` asks of its front end: secrets (`userdata.get`), and credentials (`drive.mount`,
 * `auth.authenticate_user`). Whatever else waits for an answer is refused at once, so that no cell hangs.
 */
export function kernelRequests(actions: KernelRequestActions): NonNullable<RuntimeEndpoint['answerKernel']> {
  return async (message, host) => {
    if (message.header.msg_type !== 'colab_request') return undefined
    const parsed = z.safeParse(requestShape, message)
    if (!parsed.success) return undefined
    const {colab_request_type: type, colab_msg_id: id} = parsed.data.metadata
    const answer = await respond(type, parsed.data.content.request, actions, host).catch((error: unknown) => ({error: explained(error)}))
    return {type: 'colab_reply', colab_msg_id: id, ...answer}
  }
}

async function respond(type: string, request: unknown, actions: KernelRequestActions, host: KernelHost): Promise<Answer> {
  if (type === 'GetSecret') return secret(request, host)
  if (type === 'request_auth') return authorization(request, actions, host)
  return {error: `cgpu: ${unsupported[type] ?? `"${sanitizeLine(type, 60)}" needs a Colab page in a browser, and this is the command line`}`}
}

async function secret(request: unknown, host: KernelHost): Promise<Answer> {
  const {data} = z.safeParse(secretShape, request)
  if (!data) return {error: 'cgpu: the name of the secret is missing'}
  const {exists, access, value} = await host.secret(data.key)
  return {data: {exists, access, ...(access && value !== undefined ? {payload: value} : {})}}
}

async function authorization(request: unknown, actions: KernelRequestActions, host: KernelHost): Promise<Answer> {
  const {data} = z.safeParse(authShape, request)
  const what = data?.authType === 'dfs_ephemeral' ? 'drive' : data?.authType === 'auth_user_ephemeral' ? 'user' : undefined
  if (!what) return {error: `cgpu: credentials of the kind "${sanitizeLine(data?.authType ?? '', 60)}" cannot be given`}
  await actions.authorize(what, host)
  return {}
}

/** In one line, as it becomes the message of an exception in the cell. */
function explained(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const fix = error instanceof Error && 'fix' in error && typeof error.fix === 'string' ? ` (${error.fix})` : ''
  return `cgpu: ${sanitizeLine(`${message}${fix}`, 2000)}`
}
