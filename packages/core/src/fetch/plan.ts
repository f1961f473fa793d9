import {errors} from '../errors.ts'
import {sanitizeLine} from '../text/line.ts'

/** By HTTP, from the machine itself. */
export interface HttpWay {
  /** https or http */
  url: string
  /** sent to this address's own origin only; never on a command line or in a log */
  headers?: Record<string, string>
  /** adds what the machine is signed in with there, if it is */
  credentials?: 'hf' | 'kaggle'
  /** an HTML page is no answer: such servers show one where a file may not be read */
  noPages?: boolean
}

/** By a program that the machine has, with its own credentials. */
export interface ProgramWay {
  /** `{out}` is the file that it is to write, `{dir}` a folder of its own, whose largest file is taken */
  argv: string[]
  /** what to do when the program is missing or fails */
  fix: string
}

export type FetchWay = HttpWay | ProgramWay

/** How a file is fetched. The next way is tried where one is refused, finds nothing, or lacks its program. */
export interface FetchPlan {
  ways: FetchWay[]
  /** the file's name where it goes into a folder; default: the last part of the address */
  name?: string
  /** what to do when no way may read it */
  fix?: string
}

/** Says how the file of an address is fetched. Throws what the user is to read. */
export type SchemeHandler = (address: string) => FetchPlan | Promise<FetchPlan>

const bare = new Set(['kaggle', 'drive'])

/** Whether it is an address that a machine fetches, not a path: `https://…`, `gs://…`, `kaggle:…`, `drive:…`. */
export function isRemoteSource(text: string): boolean {
  const [, scheme = '', slashes] = /^([a-z][a-z0-9+.-]*):(\/\/)?/.exec(text) ?? []
  return scheme.length > 1 && (slashes !== undefined || bare.has(scheme))
}

export const schemeOf = (address: string): string => address.slice(0, address.indexOf(':'))

/** The address without what may be a secret: no name and password, no query. */
export function shownAddress(address: string): string {
  return sanitizeLine(address.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/, '$1'), 300)
}

/** cgpu's own schemes. */
export const builtInSchemes: Record<string, SchemeHandler> = {http, https: http, gs, s3, hf, kaggle, drive}

function http(address: string): FetchPlan {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url?.hostname) throw invalid(address, 'https://host/path')
  return {
    ways: [{url: address}], name: nameOf(url.pathname),
    fix: "if it needs a token: --header 'Authorization: Bearer …', or --header @FILE to keep it out of this command",
  }
}

function gs(address: string): FetchPlan {
  const [, bucket = '', object = ''] = /^gs:\/\/([a-z0-9][a-z0-9._-]{1,220})\/(.+)$/s.exec(address) ?? []
  if (object === '' || object.endsWith('/')) throw invalid(address, 'gs://BUCKET/OBJECT')
  const fix = 'let the machine sign in: cgpu run -- gcloud auth login --no-launch-browser; gcloud comes with the Google Cloud SDK, gsutil with: pip install gsutil'
  return {
    ways: [
      {url: `https://storage.googleapis.com/${bucket}/${encodePath(object)}`},
      {argv: ['gcloud', 'storage', 'cp', address, '{out}'], fix}, {argv: ['gsutil', 'cp', address, '{out}'], fix},
    ],
    name: nameOf(object), fix,
  }
}

function s3(address: string): FetchPlan {
  const [, bucket = '', key = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})\/(.+)$/s.exec(address) ?? []
  if (key === '' || key.endsWith('/')) throw invalid(address, 's3://BUCKET/KEY')
  // a certificate covers one label only
  const host = bucket.includes('.') ? `s3.amazonaws.com/${bucket}` : `${bucket}.s3.amazonaws.com`
  const fix = 'let the machine have aws and its credentials: pip install awscli, then AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or aws configure there'
  return {ways: [{url: `https://${host}/${encodePath(key)}`}, {argv: ['aws', 's3', 'cp', '--only-show-errors', address, '{out}'], fix}], name: nameOf(key), fix}
}

/** `hf://[datasets/|spaces/|models/]OWNER/NAME[@REVISION]/FILE`, as the Hub's own tools have it. */
function hf(address: string): FetchPlan {
  const found = /^hf:\/\/(?:(datasets|spaces|models)\/)?([\w.-]+\/[\w.-]+)(?:@(refs\/(?:pr|convert)\/[\w.-]+|[^/]+))?\/(.+)$/s.exec(address)
  const [, kind = 'models', repo = '', revision = 'main', file = ''] = found ?? []
  if (file === '' || file.endsWith('/') || [repo, revision, file].some((part) => part.startsWith('-'))) throw invalid(address, 'hf://[datasets/]OWNER/NAME[@REVISION]/FILE')
  const fix = 'if it is gated or private, let the machine have a token: HF_TOKEN, or hf auth login there'
  const at = decoded(revision)
  const rest = [repo, file, '--repo-type', kind.replace(/s$/, ''), '--revision', at, '--local-dir', '{dir}']
  return {
    ways: [
      {url: `https://huggingface.co/${kind === 'models' ? '' : `${kind}/`}${repo}/resolve/${encodeURIComponent(at)}/${encodePath(file)}`, credentials: 'hf'},
      {argv: ['hf', 'download', ...rest], fix}, {argv: ['huggingface-cli', 'download', ...rest], fix},
    ],
    name: nameOf(file), fix,
  }
}

/** `kaggle:OWNER/DATASET` is all of it, as a zip file; `kaggle:OWNER/DATASET/FILE` one file. */
function kaggle(address: string): FetchPlan {
  const [, owner = '', dataset = '', file] = /^kaggle:(?:\/\/)?(\w[\w-]*)\/(\w[\w-]*)(?:\/([^/-].*))?$/s.exec(address) ?? []
  if (dataset === '' || file?.endsWith('/')) throw invalid(address, 'kaggle:OWNER/DATASET[/FILE]')
  const fix = 'let the machine have a token of Kaggle: KAGGLE_USERNAME and KAGGLE_KEY, or ~/.kaggle/kaggle.json; the program comes with: pip install kaggle'
  const base = `https://www.kaggle.com/api/v1/datasets/download/${owner}/${dataset}`
  return {
    ways: [
      {url: file === undefined ? base : `${base}/${encodePath(file)}`, credentials: 'kaggle', noPages: true},
      {argv: ['kaggle', 'datasets', 'download', '-d', `${owner}/${dataset}`, ...(file === undefined ? [] : ['-f', file]), '-p', '{dir}', '-q'], fix},
    ],
    name: file === undefined ? `${dataset}.zip` : nameOf(file), fix,
  }
}

/** A file of Google Drive that anyone with the link may read, by its id or its link. */
function drive(address: string): FetchPlan {
  const id = /(?:\/d\/|[?&]id=|^drive:(?:\/\/)?)([\w-]{15,100})(?=$|[/?&#])/.exec(address)?.[1]
  if (id === undefined) throw invalid(address, 'drive:ID, or drive: and the link of a file')
  return {
    ways: [{url: `https://drive.usercontent.google.com/download?id=${id}&export=download&confirm=t`, noPages: true}],
    name: id, fix: 'share it with anyone who has the link; or mount your Drive on the machine, cgpu drive mount, and copy it there',
  }
}

function invalid(address: string, form: string): Error {
  return errors.usage(`${shownAddress(address)} is not the address of a file`, {code: 'INVALID_ADDRESS', category: 'file', fix: `give ${form}`})
}

const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** The last part of a path as a file's name; empty: it has none. */
export function nameOf(path: string): string {
  const last = decoded(path.split('/').at(-1) ?? '')
  return last === '.' || last === '..' || /[/\0]/.test(last) ? '' : last.slice(0, 200)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
