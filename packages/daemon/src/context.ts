/** What of a command's environment the daemon works with, sent once it has shown who it is. */
export interface ClientContext {
  cwd: string
  env: Record<string, string>
  /** what counts for a whole process: where it differs, the daemon is of no use */
  process: Record<string, string>
}

const perProcess = /^(NODE_EXTRA_CA_CERTS|NODE_OPTIONS|NODE_TLS_REJECT_UNAUTHORIZED|SSL_CERT_(FILE|DIR)|(https?|all|no)_proxy)$/i
const perCommand = /^(CGPU_\w+|HOME|XDG_\w+_HOME|GOOGLE_APPLICATION_CREDENTIALS|CLOUDSDK_\w+|GOOGLE_CLOUD_\w+|PATH|USERPROFILE|APPDATA|LOCALAPPDATA)$/
/** secrets are for the process that was given them */
const secret = /TOKEN|SECRET|PASSWORD/

/** Undefined: this command was given something that the daemon is not to see. */
export function contextOf(env: NodeJS.ProcessEnv, cwd: string): ClientContext | undefined {
  if (secretOf(env) !== undefined) return undefined
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined && perCommand.test(entry[0]))
  return {cwd, env: Object.fromEntries(given), process: processPart(env)}
}

/** The variable that a command was given, and that the daemon is not to see; undefined where there is none. */
export function secretOf(env: NodeJS.ProcessEnv): string | undefined {
  return Object.keys(env).find((name) => perCommand.test(name) && secret.test(name) && env[name] !== undefined && env[name] !== '')
}

/** The same for two commands whose work is the same to the daemon, wherever they were given. */
export function keyOf({env}: Pick<ClientContext, 'env'>): string {
  return JSON.stringify(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function processPart(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1]) && perProcess.test(entry[0])))
}

export function sameProcessPart(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) => a[name] === b[name])
}

/** A daemon's own environment without what each command brings itself. */
export function withoutCommandPart(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name === 'PATH' || !perCommand.test(name)))
}

/** What a command's work in the daemon has for an environment: the command's part over the daemon's own. */
export function workEnv(own: NodeJS.ProcessEnv, {env}: Pick<ClientContext, 'env'>): NodeJS.ProcessEnv {
  return {...withoutCommandPart(own), ...env}
}

const inherited = /^(LANG|LC_\w+|LOGNAME|USER|SHELL|TMPDIR|TEMP|TMP|TZ|SYSTEMROOT|WINDIR|COMSPEC|PATHEXT|DBUS_SESSION_BUS_ADDRESS|XDG_RUNTIME_DIR|NODE_COMPILE_CACHE|CUDA_\w+|NVIDIA_\w+)$/i

/** The environment that a daemon is started with: nothing that a command was given in confidence. */
export function daemonEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).filter((entry): entry is [string, string] =>
    entry[1] !== undefined && (perCommand.test(entry[0]) || perProcess.test(entry[0]) || inherited.test(entry[0])) && !secret.test(entry[0]))
  return Object.fromEntries(kept)
}
