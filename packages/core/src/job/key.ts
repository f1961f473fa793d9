import {createHash} from 'node:crypto'
import {errors} from '../errors.ts'
import type {RunPlan} from '../execution/plan.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The id that a job gets from a key: the same everywhere, so that the machine itself refuses to run it twice. Throws INVALID_KEY (64). */
export function idOfKey(key: string): string {
  if (key.trim() === '' || key.length > 256) {
    throw errors.usage('an idempotency key has 1 to 256 characters', {code: 'INVALID_KEY', fix: 'give what names this run, such as the id of a CI job'})
  }
  return `key-${sha256(key).slice(0, 32)}`
}

/** Of what runs and with which files, packages and names of variables: equal for the same request, on any machine. */
export function fingerprintOf(plan: RunPlan): string {
  const {files, interpreter, args, packages, requirements, env, remoteCwd, outputs} = plan
  return sha256(JSON.stringify([
    files.map(({remote, size}) => [remote, size]), interpreter, args, packages, requirements ?? null, Object.keys(env).sort(), remoteCwd ?? null, outputs,
  ])).slice(0, 32)
}

/** A key that was used before, for something else. */
export function keyMismatch(id: string): Error {
  return errors.conflict('this idempotency key was used before, for another run', {
    code: 'IDEMPOTENCY_CONFLICT', fix: 'use another key, or give the same script, arguments and files', details: {id},
  })
}
