import {readFile, stat} from 'node:fs/promises'
import {basename} from 'node:path'
import {type CgpuError, errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'
import {builtInScenarios} from './built-in.ts'
import {type Scenario, type ScenarioInput, scenarioSchema} from './schema.ts'
import {issueLines} from './values.ts'

const maxBytes = 4 * 2 ** 20

/** A parsed scenario and what it is called. */
export interface NamedScenario {
  name: string
  scenario: Scenario
}

/** Checks a scenario. Throws SCENARIO_INVALID (65), which names each place that is wrong. */
export function parseScenario(input: unknown, name: string): Scenario {
  const parsed = scenarioSchema.safeParse(input ?? {})
  if (parsed.success) return parsed.data
  const lines = issueLines(parsed.error)
  throw invalid(name, lines[0] ?? 'it is not understood', lines)
}

/** A scenario that comes with the emulator, by its name, or a YAML or JSON file. Throws SCENARIO_INVALID (65), SCENARIO_NOT_FOUND (66). */
export async function loadScenario(nameOrFile: string): Promise<NamedScenario> {
  const builtIn = Object.hasOwn(builtInScenarios, nameOrFile) ? builtInScenarios[nameOrFile] : undefined
  if (builtIn !== undefined) return {name: nameOrFile, scenario: parseScenario(builtIn, nameOrFile)}
  const {name, input} = await readScenario(nameOrFile)
  return {name, scenario: parseScenario(input, sanitizeLine(nameOrFile, 200))}
}

/** A scenario file as it was written, once it is known to be valid: for an emulator in another process. Throws as `loadScenario`. */
export async function readScenario(file: string): Promise<{name: string; input: ScenarioInput}> {
  const text = await readText(file)
  const shown = sanitizeLine(file, 200)
  // only here: most starts read no file
  const {parse, YAMLParseError} = await import('yaml')
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw invalid(shown, sanitizeLine(error.message.split('\n')[0] ?? '', 200), [])
  }
  parseScenario(value, shown)
  return {name: basename(file), input: value ?? {}} // just checked
}

async function readText(path: string): Promise<string> {
  const shown = sanitizeLine(path, 200)
  try {
    if ((await stat(path)).size > maxBytes) throw invalid(shown, 'it is bigger than 4 MiB', [])
    return await readFile(path, 'utf8')
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code === 'SCENARIO_INVALID') throw error
    throw errors.notFound(`there is no scenario ${shown}${error.code === 'ENOENT' ? '' : ` that can be read (${String(error.code)})`}`, {
      code: 'SCENARIO_NOT_FOUND', category: 'file', fix: `give a file, or one of: ${Object.keys(builtInScenarios).join(', ')}`,
    })
  }
}

function invalid(name: string, why: string, problems: string[]): CgpuError {
  return errors.data(`the scenario ${name} is not valid: ${why}`, {
    code: 'SCENARIO_INVALID', category: 'file', fix: 'docs/emulator.md lists what a scenario may say', ...(problems.length > 0 ? {details: {problems}} : {}),
  })
}
