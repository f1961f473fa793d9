import {CgpuError, errors, ExitCode} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'

const shown = (text: string): string => sanitizeLine(text, 200)
const untouched = 'nothing was changed; try again later, and tell who runs the update server if it stays so'

/** What the server gave cannot be trusted (exit 65), or is not there (66). */
export const refused = {
  invalid: (address: string, why: string) => errors.data(`${shown(address)} is no manifest of cgpu's: ${shown(why)}`, {code: 'UPDATE_MANIFEST_INVALID', fix: untouched}),
  unsigned: (address: string) => errors.data(`${shown(address)} is not signed`, {code: 'UPDATE_UNSIGNED', fix: untouched}),
  wrongKey: (address: string, signed: string[], trusted: string[]) => errors.data(`${shown(address)} is signed with a key that this cgpu does not trust`, {
    code: 'UPDATE_WRONG_KEY', fix: 'nothing was changed; if the key was replaced, install the new version by hand once', details: {signedBy: signed.map(shown), trusted},
  }),
  badSignature: (address: string) => errors.data(`the signature of ${shown(address)} does not match what it says`, {code: 'UPDATE_SIGNATURE_INVALID', fix: untouched}),
  replayed: (address: string, seen: number, got: number) => errors.data(`${shown(address)} is older than one that was seen before`, {
    code: 'UPDATE_REPLAYED', fix: untouched, details: {seen, got},
  }),
  expired: (address: string, expires: string) => errors.data(`${shown(address)} expired on ${shown(expires)}`, {code: 'UPDATE_EXPIRED', fix: 'check the clock of this computer, else try again later'}),
  older: (version: string, current: string) => errors.data(`the channel offers ${shown(version)}, which is older than this ${shown(current)}`, {
    code: 'UPDATE_DOWNGRADE_REFUSED', fix: `if you want the older one: cgpu update --version ${shown(version)}`, details: {version, current},
  }),
  tampered: (file: string, expected: string, actual: string) => errors.data(`${shown(file)} is not what its manifest says: its sha256 differs`, {
    code: 'UPDATE_TAMPERED', fix: untouched, details: {expected, actual},
  }),
  archive: (why: string) => errors.data(`the archive of the new version cannot be used: ${shown(why)}`, {code: 'UPDATE_ARCHIVE_INVALID', fix: untouched}),
  broken: (version: string, why: string) => errors.data(`cgpu ${shown(version)} does not start on this computer: ${shown(why)}`, {code: 'UPDATE_BROKEN', fix: 'the version in use stays; choose another one: cgpu update --available'}),
  keyInvalid: () => errors.usage('the public key of updates is not "ed25519:" and 44 characters of base64', {code: 'UPDATE_KEY_INVALID', fix: 'correct CGPU_UPDATE_KEY or cgpu config set update-key'}),
  noServer: () => errors.usage('this cgpu was built without an update server and a key to check its releases by', {
    code: 'UPDATE_NOT_CONFIGURED', fix: 'install a released cgpu; or name a server that you trust: cgpu config set update-url URL, and its key: cgpu config set update-key KEY',
  }),
  noKey: (url: string) => errors.usage(`there is no key to check what ${shown(url)} gives`, {code: 'UPDATE_NOT_CONFIGURED', fix: 'name the public key of that server: cgpu config set update-key KEY, or CGPU_UPDATE_KEY'}),
  noUrl: () => errors.usage('there is a key to check updates by, and no server that they come from', {code: 'UPDATE_NOT_CONFIGURED', fix: 'name the server: cgpu config set update-url URL, or CGPU_UPDATE_URL'}),
  badUrl: (url: string) => errors.usage(`updates come over https, not from ${shown(url)}`, {code: 'UPDATE_URL_INVALID', fix: 'cgpu config set update-url https://…'}),
  noChannel: (channel: string) => missing(`the update server has no channel ${shown(channel)}`, 'cgpu update --available shows what there is', {channel}),
  noVersion: (version: string) => missing(`there is no cgpu ${shown(version)}`, 'cgpu update --available shows what there is', {version}),
  noBuild: (version: string, target: string) => missing(`there is no cgpu ${shown(version)} for ${shown(target)}`, 'choose another version: cgpu update --available', {version, target}),
  noFile: (address: string) => missing(`the update server has no ${shown(address)}`, untouched, {}),
  notInstalled: (version: string) => missing(`cgpu ${shown(version)} is not installed`, `cgpu version install ${shown(version)}; cgpu version list shows what is installed`, {version}),
  ambiguous: (version: string, ids: string[]) => errors.usage(`several builds of ${shown(version)} are installed`, {code: 'VERSION_AMBIGUOUS', fix: `name one: ${ids.join(', ')}`, details: {ids}}),
  inUse: (version: string) => errors.conflict(`cgpu ${shown(version)} is the version in use`, {code: 'VERSION_IN_USE', fix: 'switch to another one first: cgpu version use VERSION'}),
  noPrevious: () => missing('no version was used before this one', 'cgpu version list shows what is installed', {}),
}

function missing(message: string, fix: string, details: Record<string, unknown>): CgpuError {
  return new CgpuError(message, {code: 'UPDATE_NOT_FOUND', category: 'usage', exit: ExitCode.notFound, fix, details})
}

/** The server or the way to it (exit 69): all may be tried again, and what was downloaded is kept. */
export const unavailable = {
  unreachable: (host: string, why: string, cause?: unknown) => errors.network(`the update server ${shown(host)} cannot be reached: ${shown(why)}`, {
    code: 'UPDATE_SERVER_UNREACHABLE', fix: 'check the network, then try again', retryable: true, cause,
  }),
  slow: (host: string, seconds: number) => errors.network(`the update server ${shown(host)} sent nothing for ${seconds} s`, {
    code: 'UPDATE_SERVER_SLOW', fix: 'try again; the download goes on where it stopped', retryable: true, details: {seconds},
  }),
  failed: (host: string, status: number) => errors.network(`the update server ${shown(host)} failed with HTTP ${status}`, {
    code: 'UPDATE_SERVER_ERROR', fix: 'try again later', retryable: true, details: {status},
  }),
  truncated: (file: string, got: number, size: number) => errors.network(`${shown(file)} ended after ${got} of ${size} bytes`, {
    code: 'UPDATE_TRUNCATED', fix: 'try again; the download goes on where it stopped', retryable: true, details: {got, size},
  }),
}

/** Another process is at it (exit 72). */
export const busy = (cause: unknown): CgpuError => errors.conflict('another cgpu is changing the installed versions just now', {code: 'UPDATE_RUNNING', fix: 'wait until it is done, then try again', retryable: true, cause})
