import {errors} from '../errors.ts'
import {isEnvName} from '../script/env-file.ts'
import {sanitizeLine} from '../text/line.ts'

/** A secret is named as an environment variable is, since it becomes one in a run. Throws INVALID_SECRET_NAME (64). */
export function checkSecretName(name: string): string {
  if (isEnvName(name)) return name
  throw errors.usage(`"${sanitizeLine(name, 60)}" cannot be the name of a secret`, {
    code: 'INVALID_SECRET_NAME', fix: 'use letters, digits and "_", such as HF_TOKEN; the value never stands on the command line: cgpu secret set NAME',
  })
}
