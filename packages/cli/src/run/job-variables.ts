import {type CgpuError, errors} from '@cgpu/core/errors'
import type {JobRecord} from '@cgpu/core/job/record'

/** Adds to `env` those of a job's variables that it lacks, from this process's environment: their values are kept nowhere. Throws MISSING_ENV (64). */
export function addVariables({id, request: {envNames}}: JobRecord, env: Record<string, string>, command: 'move' | 'retry'): void {
  const missing: string[] = []
  for (const name of envNames.filter((one) => !Object.hasOwn(env, one))) {
    const value = process.env[name]
    if (value === undefined) missing.push(name)
    else env[name] = value
  }
  if (missing.length > 0) throw missingVariables(id, missing, command)
}

function missingVariables(id: string, names: string[], command: string): CgpuError {
  const [noun, pronoun] = names.length === 1 ? ['a variable', 'it'] : ['variables', 'them']
  return errors.usage(`the job had ${noun} whose value is kept nowhere: ${names.join(', ')}`, {
    code: 'MISSING_ENV', fix: `set ${pronoun}: cgpu job ${command} ${id} ${names.map((name) => `--env ${name}=…`).join(' ')}`, details: {names},
  })
}
