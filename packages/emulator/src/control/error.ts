import type {Context} from 'hono'
import type {ContentfulStatusCode} from 'hono/utils/http-status'
import type {Caller} from '../contract.ts'
import type {Account} from '../world/account.ts'

/** What handlers behind the bearer check know. */
export interface ControlEnv {
  Variables: {caller: Caller; account: Account}
}

/** google.rpc.Code by the names of its values, and the HTTP statuses they go with. */
export const rpc = {
  CANCELLED: 1, UNKNOWN: 2, INVALID_ARGUMENT: 3, NOT_FOUND: 5, ALREADY_EXISTS: 6, PERMISSION_DENIED: 7, RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9, INTERNAL: 13, UNAVAILABLE: 14, UNAUTHENTICATED: 16,
} as const
export type RpcName = keyof typeof rpc

/** What goes wrong with a call to one of Google's APIs. */
export class ApiError extends Error {
  readonly status: number
  readonly rpcName: RpcName
  readonly reason: string | undefined

  constructor(status: number, name: RpcName, message: string, reason?: string) {
    super(message)
    this.status = status
    this.rpcName = name
    this.reason = reason
  }

  get details(): unknown[] {
    return this.reason === undefined ? [] : [errorInfo(this.reason)]
  }
}

export function errorInfo(reason: string): Record<string, unknown> {
  return {'@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com', metadata: {service: 'colaboratory.googleapis.com'}}
}

export const refuse = {
  argument: (message: string) => new ApiError(400, 'INVALID_ARGUMENT', message),
  tunnel: () => new ApiError(400, 'INVALID_ARGUMENT', 'the header X-Colab-Tunnel is missing'),
  token: () => new ApiError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.'),
  scope: () => new ApiError(403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.', 'SCOPE_NOT_PERMITTED'),
  xsrf: () => new ApiError(403, 'PERMISSION_DENIED', 'the header X-Goog-Colab-Token is missing, or its token is not fresh'),
  notFound: (what = 'Requested entity was not found.') => new ApiError(404, 'NOT_FOUND', what),
  tooMany: (message: string) => new ApiError(412, 'FAILED_PRECONDITION', message, 'TOO_MANY_ACTIVE_RUNTIMES'),
  unavailable: (message: string) => new ApiError(503, 'UNAVAILABLE', message),
  machine: () => new ApiError(502, 'UNAVAILABLE', 'the machine does not answer'),
}

/**
 * `{error: {code, message, status, details}}`. `code` beside it is google.rpc's, so that a client which expects a bare
 * google.rpc.Status finds what it looks for too.
 */
export function answerError(context: Context, error: ApiError): Response {
  if (error.status === 401) context.header('WWW-Authenticate', 'Bearer realm="https://accounts.google.com/", error="invalid_token"')
  const {details} = error
  return context.json({
    error: {code: error.status, message: error.message, status: error.rpcName, ...(details.length > 0 && {details})},
    code: rpc[error.rpcName],
    message: error.message,
  }, error.status as ContentfulStatusCode)
}
