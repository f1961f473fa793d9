import {type Rank, rank} from '../access.ts'
import type {DriveFile} from '../model.ts'
import type {Session} from '../session.ts'
import type {Operator, Query} from './parse.ts'

/** What a file says to `fullText`: texts of readable content, got beforehand. */
export type Texts = ReadonlyMap<string, string>

export const asksText = (query: Query | null): boolean => {
  if (query === null) return false
  if (query.kind === 'not') return asksText(query.of)
  if (query.kind === 'and' || query.kind === 'or') return asksText(query.left) || asksText(query.right)
  return query.kind === 'text' && query.field === 'fullText'
}

export function matches(query: Query, file: DriveFile, session: Session, texts: Texts): boolean {
  switch (query.kind) {
    case 'and': return matches(query.left, file, session, texts) && matches(query.right, file, session, texts)
    case 'or': return matches(query.left, file, session, texts) || matches(query.right, file, session, texts)
    case 'not': return !matches(query.of, file, session, texts)
    case 'text': return text(query, file, texts)
    case 'time': {
      const time = timeOf(query.field, file, session.caller.email)
      return time !== undefined && compares(time, query.operator, query.value)
    }
    case 'flag': return flag(query.field, file, session) === query.value
    case 'member': return member(query.field, query.value, file, session)
    case 'property': {
      const held = query.field === 'properties' ? file.properties : file.appProperties[session.caller.clientId] ?? {}
      return Object.hasOwn(held, query.key) && held[query.key] === query.value
    }
  }
}

/** Letters and digits in a row; every other sign parts them. */
const tokens = (value: string): string[] => value.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((one) => one !== '')

/** Each word begins a word of the name. */
function nameContains(name: string, wanted: string): boolean {
  const words = tokens(name)
  const parts = tokens(wanted)
  return parts.length === 0 ? name.toLowerCase().startsWith(wanted.toLowerCase()) : parts.every((part) => words.some((word) => word.startsWith(part)))
}

/** Every word is there whole, or, in double quotes, all of them in a row. */
function textContains(text: string, wanted: string): boolean {
  const words = tokens(text)
  const parts = tokens(wanted)
  if (!/^".*"$/s.test(wanted.trim())) return parts.every((part) => words.includes(part))
  return words.some((_, at) => parts.every((part, index) => words[at + index] === part)) || parts.length === 0
}

function text(query: Query & {kind: 'text'}, file: DriveFile, texts: Texts): boolean {
  const {value} = query
  if (query.field === 'fullText') return textContains([file.name, file.description, file.indexableText, texts.get(file.id)].filter((one) => one !== undefined).join('\n'), value)
  const held = query.field === 'name' ? file.name : query.field === 'mimeType' ? file.mimeType : query.field === 'visibility' ? visibility(file) : file.shortcutTarget ?? ''
  if (query.operator === 'contains') return query.field === 'name' ? nameContains(held, value) : held.startsWith(value) || held.includes(value)
  return (held === value) === (query.operator === '=')
}

function visibility(file: DriveFile): string {
  for (const [type, name] of [['anyone', 'anyone'], ['domain', 'domain']] as const) {
    const found = file.permissions.find((one) => one.type === type)
    if (found) return `${name}${found.discovery === true ? 'CanFind' : 'WithLink'}`
  }
  return 'limited'
}

function timeOf(field: string, file: DriveFile, email: string): number | undefined {
  if (field === 'modifiedTime') return file.modified
  if (field === 'createdTime') return file.created
  return file.viewed[email]
}

function compares(a: number, operator: Operator, b: number): boolean {
  switch (operator) {
    case '=': return a === b
    case '!=': return a !== b
    case '<': return a < b
    case '<=': return a <= b
    case '>': return a > b
    case '>=': return a >= b
    case 'contains': return false
  }
}

function flag(field: string, file: DriveFile, session: Session): boolean {
  const {email} = session.caller
  if (field === 'trashed') return session.isTrashed(file)
  return field === 'starred' ? file.starredBy.includes(email) : file.owner !== email && file.sharedAt[email] !== undefined
}

const roles: Record<string, Rank> = {owner: rank.owner, organizer: rank.writer, fileOrganizer: rank.writer, writer: rank.writer, commenter: rank.commenter, reader: rank.reader}

function member(field: string, value: string, file: DriveFile, session: Session): boolean {
  if (field === 'parents') return file.parent !== null && file.parent === session.resolve(value)
  const email = value === 'me' ? session.caller.email : value
  if (field === 'owners') return file.owner === email
  // who may write may read too
  const least = field === 'writers' ? rank.writer : rank.reader
  for (let at: DriveFile | undefined = file; at; at = at.parent === null ? undefined : session.store.get(at.parent)) {
    if (at.permissions.some((one) => one.email === email && (roles[one.role] ?? rank.none) >= least)) return true
  }
  return false
}
