/** Stands in for `@oclif/core/args`. */
import {type Definition, string as option} from './definitions.ts'

export {custom, directory, file, integer, string, url} from './definitions.ts'
export const boolean = (options?: Definition): Definition => option({parse: (input) => /^(true|1|yes|y)$/i.test(input), ...options})
