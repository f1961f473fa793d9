import type {drive_v3} from '@googleapis/drive'
import {CgpuError, errors, type GoogleAccess} from '@cgpu/plugin-sdk'
import {type DriveFile, fileFields, fileOf} from './files.ts'
import {Transport, type TransportOptions} from './transport.ts'

/** Who may do what with a file. */
export interface Permission {
  id: string
  type: string
  role: string
  email: string | null
}

export interface NewFile {
  name: string
  /** id of the folder; absent: My Drive */
  folder?: string | undefined
}

const everywhere = {supportsAllDrives: true} as const

/** One account's Drive: Google's own client, by requests that carry the account's token to Drive alone. Throws the refusals of `refusals.ts`. */
export class Drive {
  readonly transport: Transport
  readonly #api: Promise<drive_v3.Drive>

  constructor(options: TransportOptions) {
    this.transport = new Transport(options)
    this.#api = this.#load()
    this.#api.catch(() => {}) // whoever needs it meets the failure
  }

  get access(): GoogleAccess {
    return this.transport.access
  }

  /** Those that match Drive's query `q`, in Drive's order, page by page. */
  async *list(q: string, {pageSize = 1000, orderBy = 'modifiedTime desc'}: {pageSize?: number; orderBy?: string} = {}): AsyncGenerator<DriveFile> {
    let pageToken: string | undefined
    do {
      const token: string | undefined = pageToken
      const page = await this.#call((api) => api.files.list({
        q, pageSize, orderBy, ...everywhere, includeItemsFromAllDrives: true, fields: `nextPageToken,files(${fileFields})`, ...(token === undefined ? {} : {pageToken: token}),
      }))
      yield* (page.files ?? []).map(checked)
      pageToken = page.nextPageToken ?? undefined
    } while (pageToken !== undefined)
  }

  async get(id: string): Promise<DriveFile> {
    return checked(await this.#call((api) => api.files.get({fileId: id, ...everywhere, fields: fileFields})))
  }

  async update(id: string, requestBody: {name?: string; trashed?: boolean}): Promise<DriveFile> {
    return checked(await this.#call((api) => api.files.update({fileId: id, requestBody, ...everywhere, fields: fileFields})))
  }

  async copy(id: string, {name, folder}: NewFile): Promise<DriveFile> {
    return checked(await this.#call((api) => api.files.copy({fileId: id, requestBody: {name, ...(folder === undefined ? {} : {parents: [folder]})}, ...everywhere, fields: fileFields})))
  }

  /** For good. One that is not there any more is removed: the answer to an earlier attempt may have been lost. */
  async remove(id: string): Promise<void> {
    await this.#call((api) => api.files.delete({fileId: id, ...everywhere})).catch(unlessGone)
  }

  async permissions(id: string): Promise<Permission[]> {
    const found: Permission[] = []
    let pageToken: string | undefined
    do {
      const token: string | undefined = pageToken
      const page = await this.#call((api) => api.permissions.list({fileId: id, ...everywhere, fields: 'nextPageToken,permissions(id,type,role,emailAddress)', ...(token === undefined ? {} : {pageToken: token})}))
      found.push(...(page.permissions ?? []).map(permissionOf))
      pageToken = page.nextPageToken ?? undefined
    } while (pageToken !== undefined)
    return found
  }

  /** Without an address: whoever has the link. */
  async share(id: string, {role, email, notify}: {role: string; email?: string | undefined; notify: boolean}): Promise<Permission> {
    const requestBody = email === undefined ? {type: 'anyone', role} : {type: 'user', role, emailAddress: email}
    return permissionOf(await this.#call((api) => api.permissions.create({
      fileId: id, requestBody, ...everywhere, fields: 'id,type,role,emailAddress', ...(email === undefined ? {} : {sendNotificationEmail: notify}),
    })))
  }

  async unshare(id: string, permission: string): Promise<void> {
    await this.#call((api) => api.permissions.delete({fileId: id, permissionId: permission, ...everywhere})).catch(unlessGone)
  }

  async #load(): Promise<drive_v3.Drive> {
    const {drive} = await import('@googleapis/drive') // 160 ms
    const {transport} = this
    return drive({
      version: 'v3', rootUrl: `${transport.access.drive}/`, retry: false,
      fetchImplementation: async (url, {method, headers, body, signal} = {}) => {
        const answer = await transport.send(url instanceof Request ? url.url : url.toString(), {
          method: method ?? 'GET', headers: Object.fromEntries(new Headers(headers)), ...(typeof body === 'string' ? {body} : {}), ...(signal ? {signal} : {}),
        })
        return new Response(answer.status === 204 ? null : new Uint8Array(answer.body), {status: answer.status, headers: answer.headers})
      },
    })
  }

  async #call<T>(what: (api: drive_v3.Drive) => Promise<{data: T}>): Promise<T> {
    const api = await this.#api
    try {
      return (await what(api)).data
    } catch (error) {
      // the client wraps what the transport throws
      throw error instanceof Error && error.cause instanceof CgpuError ? error.cause : error
    }
  }
}

function checked(value: unknown): DriveFile {
  try {
    return fileOf(value)
  } catch (error) {
    throw errors.network('Drive answered with something that is no file', {code: 'PROTOCOL', fix: 'update cgpu; --verbose shows the requests', cause: error})
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof CgpuError && error.code === 'NOTEBOOK_NOT_FOUND')) throw error
}

const permissionOf = ({id, type, role, emailAddress}: drive_v3.Schema$Permission): Permission => ({id: id ?? '', type: type ?? '', role: role ?? '', email: emailAddress ?? null})
