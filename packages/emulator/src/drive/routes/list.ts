import {readFile} from 'node:fs/promises'
import type {Blobs} from '../blobs.ts'
import {refuse} from '../errors.ts'
import {type DriveFile, head} from '../model.ts'
import {QueryError} from '../query/lex.ts'
import {asksText, matches} from '../query/match.ts'
import {type SortKey, comparePlaces, parseOrder, placeOf} from '../query/order.ts'
import {pageKey, pageSize, pageToken, readPageToken} from '../query/page.ts'
import {type Query, parseQuery} from '../query/parse.ts'
import {fileResource} from '../resource.ts'
import type {Session} from '../session.ts'
import {isText} from '../types.ts'

const mostIndexed = 2 ** 20
const isRoot = (file: DriveFile, session: Session): boolean => file.parent === null && (file.space === 'appDataFolder' || file.id === session.store.root(file.owner).id)
const knownSpaces = ['drive', 'appDataFolder', 'photos']

/** `files.list`, before `fields`. Shared drives do not exist here: asking for one is a 404. */
export async function listFiles(session: Session, blobs: Blobs, query: Record<string, string>): Promise<Record<string, unknown>> {
  const q = parsed('q', () => parseQuery(query.q ?? ''))
  const order = parsed('orderBy', () => parseOrder(query.orderBy))
  const spaces = (query.spaces ?? 'drive').split(',').map((one) => one.trim())
  if (spaces.some((one) => !knownSpaces.includes(one))) throw refuse.value('spaces')
  if (query.driveId !== undefined) throw refuse.missing('Shared drive', query.driveId, 'driveId')
  const size = pageSize(query.pageSize, {initial: 100, most: 1000})
  const key = pageKey(query.q, query.orderBy, query.spaces, session.caller.email, session.caller.clientId)
  const after = readPageToken(query.pageToken, key)

  const candidates = [...session.store.all()].filter((file) => spaces.includes(file.space) && !isRoot(file, session) && session.sees(file) && session.access.listed(file))
  const texts = asksText(q) ? await readTexts(candidates, blobs) : new Map<string, string>()
  const found = sorted(candidates.filter((file) => q === null || matches(q, file, session, texts)), order, session.caller.email)
  const rest = after === null ? found : found.filter((one) => comparePlaces(one.place, after, order) > 0)
  const page = rest.slice(0, size)
  const last = page.at(-1)
  return {
    kind: 'drive#fileList', incompleteSearch: false,
    ...(rest.length > size && last ? {nextPageToken: pageToken(key, last.place)} : {}),
    files: page.map((one) => fileResource(one.file, session)),
  }
}

function parsed<T extends Query | SortKey[] | null>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof QueryError) throw refuse.value(name)
    throw error
  }
}

function sorted(files: DriveFile[], order: SortKey[], email: string): {file: DriveFile; place: (string | number)[]}[] {
  return files.map((file) => ({file, place: placeOf(file, order, email)})).sort((a, b) => comparePlaces(a.place, b.place, order))
}

async function readTexts(files: DriveFile[], blobs: Blobs): Promise<Map<string, string>> {
  const texts = new Map<string, string>()
  for (const file of files) {
    const content = head(file)
    if (!content || content.size > mostIndexed || !isText(file.mimeType)) continue
    const text = await readFile(blobs.path(content.id), 'utf8').catch(() => undefined)
    if (text !== undefined) texts.set(file.id, text)
  }
  return texts
}
