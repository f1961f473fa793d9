import {type CgpuError, errors, type Fetched, sanitizeLine} from '@cgpu/plugin-sdk'
import {z} from 'zod'

const body = z.object({
  error: z.looseObject({
    message: z.string().catch(''),
    errors: z.array(z.looseObject({reason: z.string().catch('')})).catch([]),
    details: z.array(z.looseObject({reason: z.string().optional().catch(undefined)})).catch([]),
  }),
})

/** What Drive says of a request that it refused. All of it may be missing. */
interface Said {
  message: string
  reasons: string[]
}

function saidIn(answer: Fetched): Said {
  let value: unknown
  try {
    value = answer.json()
  } catch {
    // a page of something in between, or nothing: the status says enough
  }
  const parsed = body.safeParse(value)
  if (!parsed.success) return {message: '', reasons: []}
  const {message, errors: causes, details} = parsed.data.error
  return {message: sanitizeLine(message, 300), reasons: [...causes, ...details].flatMap(({reason}) => reason ?? [])}
}

const rateLimits = ['rateLimitExceeded', 'userRateLimitExceeded', 'sharingRateLimitExceeded', 'RATE_LIMIT_EXCEEDED']

/** Asked too often: nothing was done, and a later try may succeed. */
export const isRateLimit = (answer: Fetched): boolean =>
  answer.status === 429 || (answer.status === 403 && saidIn(answer).reasons.some((one) => rateLimits.includes(one)))

/** Ways in which Drive refuses with 403, in the user's terms. */
const forbidden: Record<string, (account: string, message: string) => CgpuError> = {
  ACCESS_TOKEN_SCOPE_INSUFFICIENT: scopeMissing,
  insufficientPermissions: scopeMissing,
  appNotAuthorizedToFile: (account) => errors.auth(`the sign-in of ${account} allows to change only files that cgpu made, and this is none`, {
    code: 'SCOPE_MISSING', fix: `cgpu auth login --account ${account} --scopes drive`,
  }),
  accessNotConfigured: apiOff,
  SERVICE_DISABLED: apiOff,
  storageQuotaExceeded: (account) => errors.quota(`the Drive of ${account} is full`, {code: 'DRIVE_FULL', fix: 'empty its trash, or see what takes the room: https://drive.google.com/drive/quota'}),
  dailyLimitExceeded: (_, message) => errors.quota(`Drive takes no more requests of this client today: ${message}`, {code: 'DRIVE_DAILY_LIMIT', fix: 'try again tomorrow, or raise the limit in the Google Cloud console'}),
}

function scopeMissing(account: string): CgpuError {
  return errors.auth(`the sign-in of ${account} does not allow this in Drive`, {code: 'SCOPE_MISSING', fix: `cgpu auth login --account ${account} --scopes drive`})
}

function apiOff(_: string, message: string): CgpuError {
  const page = /https:\/\/console\.\S*[^\s.,]/.exec(message)?.[0] ?? 'https://console.cloud.google.com/apis/library/drive.googleapis.com'
  return errors.auth('the Drive API is off in the project of your OAuth client', {code: 'DRIVE_API_OFF', fix: `switch it on, then try again in a few minutes: ${page}`})
}

/** Why a request was refused. Throws nothing. */
export function refusal(answer: Fetched, account: string): CgpuError {
  const {status, url} = answer
  const {message, reasons} = saidIn(answer)
  const because = message === '' ? '' : `: ${message}`
  const details = {status, reasons}
  if (status >= 300 && status < 400) {
    return errors.network(`${new URL(url).host} redirects, and a token is not sent on`, {code: 'REDIRECTED', fix: 'this network may want you to sign in first: open any http page in a browser, then try again', details})
  }
  if (isRateLimit(answer)) return errors.network('Drive is asked too often', {code: 'RATE_LIMITED', retryable: true, fix: 'wait a minute, then try again', details})
  if (status === 401) return errors.auth(`Drive does not take the sign-in of ${account}`, {code: 'SIGN_IN_EXPIRED', fix: `cgpu auth login --account ${account}`, details})
  if (status === 403) {
    const known = reasons.map((one) => (Object.hasOwn(forbidden, one) ? forbidden[one] : undefined)).find((one) => one !== undefined)
    return known?.(account, message) ?? errors.auth(`Drive does not let ${account} do this${because}`, {code: 'DRIVE_FORBIDDEN', fix: 'ask the owner of the file to share it with you as an editor', details})
  }
  if (status === 404) return errors.notFound(`it is not in Drive, or not for ${account}${because}`, {code: 'NOTEBOOK_NOT_FOUND', category: 'file', fix: 'cgpu notebook list', details})
  if (status >= 500) return errors.network(`Drive has a problem of its own (${status})${because}`, {code: 'DRIVE_UNAVAILABLE', retryable: true, fix: 'try again in a minute', details})
  return errors.network(`Drive refused the request (${status})${because}`, {code: 'DRIVE_REFUSED', fix: 'see what was asked: --verbose', details})
}
