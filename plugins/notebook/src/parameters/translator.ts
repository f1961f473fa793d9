import type {Value} from './value.ts'

/** A language that parameters are written in, and read from. */
export interface Translator {
  /** as people write it */
  title: string
  /** names of kernels, and of the language, in lower case */
  known: RegExp
  /** begins a comment to the end of the line */
  comment: string
  /** what the variable is called; undefined: it cannot be one */
  nameOf(name: string): string | undefined
  /** Throws INVALID_PARAMETER (64) for what the language cannot hold. */
  literal(value: Value): string
  /** a statement of its own; default: `NAME = LITERAL` */
  assign?(name: string, value: Value): string
  /** of a statement at the margin, without its comment: `name`, and as far as they are there `annotation` and `rest`, its value */
  assignment: RegExp
  /** begin and end text, with `\` before what does not end it; default: both */
  quotes?: string
}

/** As most have it. */
export const plainName = (name: string): string | undefined => (/^[A-Za-z_]\w*$/.test(name) ? name : undefined)
