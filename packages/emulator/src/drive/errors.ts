import type {Context} from 'hono'
import type {ContentfulStatusCode} from 'hono/utils/http-status'

interface Detail {
  message: string
  domain: string
  reason: string
  location?: string
  locationType?: string
}

const statuses: Record<number, string> = {
  400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ALREADY_EXISTS',
  416: 'OUT_OF_RANGE', 429: 'RESOURCE_EXHAUSTED', 500: 'INTERNAL',
}

/**
 * An answer in the form of Google's errors: `{error: {code, message, errors: [{domain, reason, message, location…}]}}`,
 * with `status` and `details` where the newer front end answers.
 */
export class DriveError extends Error {
  readonly code: number
  readonly body: Record<string, unknown>

  constructor(code: number, reason: string, message: string, more: Partial<Detail> & {details?: unknown[]; short?: string} = {}) {
    super(message)
    this.name = 'DriveError'
    this.code = code
    const {details, short, ...where} = more
    const errors: Detail[] = [{message: short ?? message, domain: 'global', reason, ...where}]
    this.body = {error: {code, message, errors, ...(details === undefined && code !== 401 ? {} : {status: statuses[code]}), ...(details === undefined ? {} : {details})}}
  }

  answer(context: Context): Response {
    if (this.code === 401) context.header('WWW-Authenticate', 'Bearer realm="https://accounts.google.com/"')
    return context.json(this.body, this.code as ContentfulStatusCode) // of the table above, or given below
  }
}

const parameter = (name: string): Partial<Detail> => ({location: name, locationType: 'parameter'})

/** The errors that Drive gives, by what went wrong. */
export const refuse = {
  signIn: () => new DriveError(401, 'authError', 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.', {
    short: 'Invalid Credentials', location: 'Authorization', locationType: 'header',
  }),
  scope: (method: string) => new DriveError(403, 'insufficientPermissions', 'Request had insufficient authentication scopes.', {
    short: 'Insufficient Permission',
    details: [{'@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT', domain: 'googleapis.com', metadata: {service: 'drive.googleapis.com', method: `google.apps.drive.v3.${method}`}}],
  }),
  notFound: (id: string) => new DriveError(404, 'notFound', `File not found: ${id}.`, parameter('fileId')),
  missing: (what: string, id: string, name: string) => new DriveError(404, 'notFound', `${what} not found: ${id}.`, parameter(name)),
  noMethod: () => new DriveError(404, 'notFound', 'Not Found'),
  value: (name: string, message = 'Invalid Value') => new DriveError(400, 'invalid', message, parameter(name)),
  parameter: (name: string, message: string) => new DriveError(400, 'invalidParameter', message, parameter(name)),
  required: (name: string, message: string) => new DriveError(400, 'required', message, parameter(name)),
  body: (message = 'Bad Request') => new DriveError(400, 'badRequest', message),
  json: (message: string) => new DriveError(400, 'parseError', message),
  notWritable: (field: string) => new DriveError(403, 'fieldNotWritable', field === 'parents'
    ? 'The parents field is not directly writable in update requests. Use the addParents and removeParents parameters instead.'
    : `The resource body includes fields which are not directly writable.`),
  forbidden: () => new DriveError(403, 'insufficientFilePermissions', 'The user does not have sufficient permissions for this file.'),
  notOpened: (clientId: string, id: string) => new DriveError(403, 'appNotAuthorizedToFile', `The user has not granted the app ${clientId} write access to the file ${id}.`),
  quota: () => new DriveError(403, 'storageQuotaExceeded', "The user's Drive storage quota has been exceeded."),
  sharing: (message: string) => new DriveError(400, 'invalidSharingRequest', message),
  other: (code: number, reason: string, message: string) => new DriveError(code, reason, message),
}
