import {errors, sanitizeLine} from '@cgpu/plugin-sdk'
import type {Translator} from './translator.ts'
import {bash} from './languages/bash.ts'
import {csharp} from './languages/csharp.ts'
import {fsharp} from './languages/fsharp.ts'
import {javascript} from './languages/javascript.ts'
import {julia} from './languages/julia.ts'
import {matlab, octave} from './languages/matlab.ts'
import {powershell} from './languages/powershell.ts'
import {python} from './languages/python.ts'
import {r} from './languages/r.ts'
import {scala} from './languages/scala.ts'

export const languages: readonly Translator[] = [python, r, julia, scala, matlab, octave, csharp, fsharp, powershell, bash, javascript]

/** By the kernel's name, then by the language; Python where neither is said, undefined where neither is known. */
export function languageNamed(kernel: string | undefined, language: string | undefined): Translator | undefined {
  const names = [kernel, language].map((one) => one?.toLowerCase() ?? '').filter(Boolean)
  if (names.length === 0) return python
  return names.map((name) => languages.find(({known}) => known.test(name))).find((one) => one !== undefined)
}

/** The same. Throws PARAMETERS_LANGUAGE (64). */
export function translatorFor(kernel: string | undefined, language: string | undefined): Translator {
  const found = languageNamed(kernel, language)
  if (found) return found
  throw errors.usage(`cgpu cannot write parameters in ${sanitizeLine([kernel, language].filter(Boolean).at(-1) ?? '', 60)}`, {
    code: 'PARAMETERS_LANGUAGE', fix: `it can in ${languages.map(({title}) => title).join(', ')}; set them in the notebook`,
  })
}
