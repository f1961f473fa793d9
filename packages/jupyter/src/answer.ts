import {JupyterError} from './errors.ts'
import {isObject, optionalString} from './guard.ts'
import type {HttpAnswer} from './http.ts'

/** Where servers and hubs send people who are not signed in. */
const signInPage = /\/(login|signin|sign_in|oauth2?|oauth_login|hub\/login|authorize|sso)(\/|$|\?)|accounts\.google\.com/i

/** What a status means, or undefined for 2xx. `what` names the request, `host` the server. */
export function answerError(answer: HttpAnswer, what: string, host: string): JupyterError | undefined {
  const {status} = answer
  if (status >= 200 && status < 300) return undefined
  if (status >= 300 && status < 400) return redirectError(status, answer.headers.location, host)
  const said = serverMessage(answer)
  const message = `${host} answered ${status} to ${what}${said === undefined ? '' : `: ${said}`}`
  if (status === 401 || status === 403) return new JupyterError('AUTH', message, {status})
  if (status === 404) return new JupyterError('NOT_FOUND', message, {status})
  if (status === 409) return new JupyterError('CONFLICT', message, {status})
  return new JupyterError('HTTP', message, {status, retryable: [429, 502, 503, 504].includes(status)})
}

/** Redirects are never followed: the token is for one origin, and a body sent twice may be a cell run twice. */
export function redirectError(status: number, location: string | undefined, host: string): JupyterError {
  if (location !== undefined && signInPage.test(location)) {
    return new JupyterError('AUTH', `${host} wants a sign-in: the token is missing, wrong or expired`, {status})
  }
  return new JupyterError('REDIRECT', `${host} redirects${location === undefined ? '' : ` to ${withoutQuery(location)}`}; give that address instead`, {status})
}

/** The JSON of a good answer; undefined without a body. `path` is shown in the error. */
export function parseJson(answer: HttpAnswer, path: string): unknown {
  if (answer.body.length === 0) return undefined
  const text = answer.body.toString('utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (/^\s*</.test(text)) throw new JupyterError('PROTOCOL', `the server answered with HTML to ${path}: this is a web page, not a Jupyter server's API`, {cause})
    throw new JupyterError('PROTOCOL', `the server's answer to ${path} is not JSON`, {cause})
  }
}

/** Servers say `{"message": …, "reason": …}`; anything else is not worth showing. */
function serverMessage(answer: HttpAnswer): string | undefined {
  try {
    const value: unknown = JSON.parse(answer.body.subarray(0, 100_000).toString('utf8'))
    if (!isObject(value)) return undefined
    const message = optionalString(value, 'reason') ?? optionalString(value, 'message')
    return message === undefined || message === '' ? undefined : message.slice(0, 500)
  } catch {
    return undefined
  }
}

function withoutQuery(location: string): string {
  return location.replace(/[?#].*$/s, '')
}
