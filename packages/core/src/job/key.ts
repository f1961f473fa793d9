import {createHash} from 'node:crypto'
import {createReadStream} from 'node:fs'
import {stat} from 'node:fs/promises'
import {pipeline} from 'node:stream/promises'
import {errors} from '../errors.ts'
import type {PlannedFile, RunPlan} from '../execution/plan.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The id that a job gets from a key: the same everywhere, so that the machine itself refuses to run it twice. Throws INVALID_KEY (64). */
export function idOfKey(key: string): string {
  if (key.trim() === '' || key.length > 256) {
    throw errors.usage('an idempotency key has 1 to 256 characters', {code: 'INVALID_KEY', fix: 'give what names this run, such as the id of a CI job'})
  }
  return `key-${sha256(key).slice(0, 32)}`
}

/** So many bytes of its files are read to tell requests apart: the script comes first, and a data set would take long. */
const mostRead = 64 * 1024 * 1024

/**
 * Of what runs and with which files, packages and names of variables: equal for the same request, on any machine. Files count by their
 * content; those that are more than is read, by size and time.
 */
export async function fingerprintOf(plan: RunPlan, most = mostRead): Promise<string> {
  const {files, interpreter, args, packages, requirements, env, remoteCwd, outputs} = plan
  const known: (readonly [string, number, string | number])[] = []
  let left = most
  for (const file of files) {
    known.push([file.remote, file.size, file.size <= left ? await contentOf(file) : (await stat(file.local)).mtimeMs])
    if (file.size <= left) left -= file.size
  }
  return sha256(JSON.stringify([known, interpreter, args, packages, requirements ?? null, Object.keys(env).sort(), remoteCwd ?? null, outputs])).slice(0, 32)
}

async function contentOf({local}: PlannedFile): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(local), hash)
  return hash.digest('hex')
}

/** A key that was used before, for something else. */
export function keyMismatch(id: string): Error {
  return errors.conflict('this idempotency key was used before, for another run', {
    code: 'IDEMPOTENCY_CONFLICT', fix: 'use another key, or give the same script, arguments and files', details: {id},
  })
}
