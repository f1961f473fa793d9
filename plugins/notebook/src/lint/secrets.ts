/** Texts that open something for whoever has them, by their own unmistakable form. */
const secrets: [kind: string, pattern: RegExp][] = [
  ['an AWS access key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})\b/],
  ['a GitLab token', /\bglpat-[\w-]{20,}/],
  ['a Google API key', /\bAIza[\w-]{35}(?![\w-])/],
  ['a Google access token', /\bya29\.[\w-]{20,}/],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30,}\b/],
  ['a Slack token', /\bxox[abeprs]-[A-Za-z0-9-]{10,}/],
  ['an OpenAI or Anthropic key', /\bsk-(?:proj-|ant-|svcacct-)?[\w-]{32,}/],
  ['a Stripe key', /\b[rs]k_live_[A-Za-z0-9]{16,}\b/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['a PyPI token', /\bpypi-AgEIcHlwaS5vcmc[\w-]{50,}/],
  ['a private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ['a JSON web token', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/],
  ['a password in an address', /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"'{}$]{1,200}:[^\s/:@"'{}$]{3,200}@/i],
]

/** What kinds of secrets are in the text; never the secrets. */
export const secretsIn = (text: string): string[] => secrets.flatMap(([kind, pattern]) => (pattern.test(text) ? [kind] : []))
