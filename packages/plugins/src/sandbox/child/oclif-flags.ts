/** Stands in for `@oclif/core/flags`. */
import {boolean as bool, type Definition} from './definitions.ts'

export {boolean, custom, directory, file, integer, option, string, url} from './definitions.ts'
export const help = (options?: Definition): Definition => bool(options)
export const version = help
