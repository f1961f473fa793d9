import type {GivenParameters} from './values.ts'

/** What `parameterFlags` give. */
export interface GivenFlags {
  parameters?: string[] | undefined
  'parameters-raw'?: string[] | undefined
  'parameters-file'?: string[] | undefined
  'parameters-yaml'?: string[] | undefined
  'parameters-base64'?: string[] | undefined
}

/** The parameters that were given, as `readParameters` takes them. */
export const givenIn = ({parameters: typed = [], 'parameters-raw': raw = [], 'parameters-file': files = [], 'parameters-yaml': yaml = [], 'parameters-base64': base64 = []}: GivenFlags): GivenParameters =>
  ({typed, raw, files, yaml, base64})
