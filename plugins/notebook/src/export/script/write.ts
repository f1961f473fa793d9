import {errors} from '@cgpu/plugin-sdk'
import type {Notebook} from '../../format/model.ts'
import {type Language, languageName, languageOf} from '../../language.ts'
import {commented, mapMagics} from '../../script-lines.ts'
import {cellMagic} from '../percent/cells.ts'
import {noLanguage} from '../percent/write.ts'
import {visibleCells} from '../visible.ts'

/**
 * The code of the notebook as a script for the language's own interpreter; its text as comments. IPython's magics, which that does not
 * know, become comments; what `%time` times stays. Throws SCRIPT_LANGUAGE (64), also when the notebook's language is not `language`.
 */
export function scriptText(notebook: Notebook, {input, output, language: wanted}: {input: boolean; output: boolean; language?: string}): string {
  const language = languageOf(notebook)
  if (wanted !== undefined && language?.name !== wanted) throw errors.usage(`its language is ${languageName(notebook)}, not ${wanted}`, {code: 'SCRIPT_LANGUAGE', fix: 'give --to script'})
  if (!language) throw noLanguage(languageName(notebook))
  const first = language.name === 'python' ? ['#!/usr/bin/env python3', ''] : []
  const parts = visibleCells(notebook, {input: input && output, output}).map(({cell}) => (cell.cell_type === 'code' ? codeLines(cell.source, language) : commented(cell.source.split('\n'), language)))
  return `${[...first, ...parts.filter((lines) => lines.some((line) => line.trim() !== '')).flatMap((lines, index) => [...(index > 0 ? [''] : []), ...lines])].join('\n').trimEnd()}\n`
}

/** Cell magics whose cell is code of the notebook's own language. */
const sameLanguage = /^%%(time|timeit|capture|prun|memit|debug|python3?)\b/

function codeLines(source: string, language: Language): string[] {
  const lines = source.replace(/\s+$/, '').split('\n')
  if (language.name === 'python' && lines[0]?.startsWith('%%')) {
    if (cellMagic(source) || !sameLanguage.test(lines[0])) return commented(lines, language)
  }
  return mapMagics(lines, language, (line, continues) => magicLine(line, continues, language))
}

function magicLine(line: string, continues: boolean, {name, comment}: Language): string {
  const [, indent = '', text = ''] = /^(\s*)(.*)$/.exec(line) ?? []
  if (continues || text.startsWith(comment)) return continues ? `${comment} ${line}` : line
  const [, statement] = /^%time\s+(.+)$/.exec(text) ?? []
  if (statement !== undefined) return `${indent}${statement}  ${comment} %time`
  // an indented one may be all that a block has
  return indent !== '' && name === 'python' ? `${indent}pass  ${comment} ${text}` : `${indent}${comment} ${text}`
}
