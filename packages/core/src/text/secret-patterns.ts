const mark = '[redacted]'

/** Tokens that are known by their shape: Google, GitHub, GitLab, Hugging Face, OpenAI and its kin, Slack, AWS, JWT, PEM. */
export const tokenShapes = new RegExp([
  String.raw`(?<![A-Za-z0-9])(?:ya29\.[\w.-]{8,}|1//0[\w-]{20,}|4/0[\w-]{20,}|AIza[\w-]{20,}|GOCSPX-[\w-]{10,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{16,}|sk-[\w-]{16,}|xox[abprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16})`,
  String.raw`(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`,
  // its end may have been cut off
  String.raw`-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:\\[nr]|[\sA-Za-z0-9+/=])*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?`,
].join('|'), 'g')

/** what follows counts when it looks made up by a machine: "Bearer certificates" are a thing */
const bearer = /\b(Bearer\s{1,3})(?=[\w.~+/=-]{0,200}\d|[\w.~+/=-]{20})[\w.~+/=-]{8,}/gi
const header = /\b((?:proxy-)?authorization["']?\s{0,3}[:=]\s{0,3}["']?(?:(?:basic|token|bearer|negotiate|digest)\s{1,3})?)[^\s"',}]+|\b((?:set-)?cookie["']?\s{0,3}:\s{0,3}["']?)[^\n"'}]+/gi

/** user and password of a URL, up to the last @ before its path: a password may hold one itself */
const userInfo = /:\/\/[^\s/?#"'<>]+@/g

const name = String.raw`(?:token|password|passwd|passphrase|secret|credential|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key)`
const inQuotes = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`
/** `token=x`, `HF_TOKEN="x y"`, `&access_token=x`: the rest of the name before it does not matter */
const assigned = new RegExp(String.raw`(${name}=)(?:\[redacted\]|${inQuotes}|[^\s"'&;,)}\]]+)`, 'gi')
/** `"token": "x"` of JSON and Python */
const quoted = new RegExp(String.raw`(${name}["']\s{0,3}:\s{0,3})(?:${inQuotes})`, 'gi')
/** `password: x` of YAML and of messages; prose has no digit there */
const colon = new RegExp(String.raw`(${name}:\s{1,3})(?=\S{0,200}\d)[^\s"'&;,)}\]]{8,}`, 'gi')

/**
 * Takes out of a text whatever looks like a secret: tokens of known shapes, `Bearer …`, `token=…`, `password=…`, user and
 * password of URLs. Hashes, ids and plain words stay. Knows no secret itself: see Redactor for those that are known.
 */
export function maskSecrets(text: string): string {
  return text
    .replaceAll(tokenShapes, mark)
    .replaceAll(header, (_whole, before: string | undefined, cookie: string | undefined) => `${before ?? cookie ?? ''}${mark}`)
    .replaceAll(bearer, `$1${mark}`)
    .replaceAll(userInfo, `://${mark}@`)
    .replaceAll(assigned, `$1${mark}`)
    .replaceAll(quoted, (_whole, before: string) => `${before}"${mark}"`)
    .replaceAll(colon, `$1${mark}`)
}
