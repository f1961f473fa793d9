/** An error of RFC 6749, 5.2. */
export class OAuthError extends Error {
  readonly status: 400 | 401
  readonly error: string
  readonly subtype: string | undefined

  constructor(error: string, description: string, options: {status?: 400 | 401; subtype?: string} = {}) {
    super(description)
    this.error = error
    this.status = options.status ?? 400
    this.subtype = options.subtype
  }
}
