import {string} from '@oclif/core/flags'

const group = {helpGroup: 'PARAMETERS', multiple: true} as const

/** As papermill takes them; the words have to go through `joinPairs` first. */
export const parameterFlags = {
  parameters: string({...group, char: 'p', summary: 'a parameter, typed as Python would read it: -p NAME VALUE', helpValue: 'NAME VALUE'}),
  'parameters-raw': string({...group, char: 'r', summary: 'a parameter that is text: -r NAME VALUE', helpValue: 'NAME VALUE'}),
  'parameters-file': string({...group, char: 'f', summary: 'parameters in a YAML or JSON file', helpValue: 'FILE'}),
  'parameters-yaml': string({...group, char: 'y', summary: 'parameters as YAML', helpValue: 'YAML'}),
  'parameters-base64': string({...group, char: 'b', env: 'CGPU_PARAMETERS_ENCODED', summary: 'parameters as YAML in base64', helpValue: 'TEXT'}),
}
