import {sanitizeLine} from '@cgpu/core/text/line'
import {complete} from './complete.ts'
import {quoteForBash, quoteForPowerShell} from './quote.ts'
import {readBashLine, type TypedLine, unquoted} from './typed.ts'
import type {CommandEntry, Completion, CompletionSources} from './types.ts'

/**
 * The answer to a shell, for the words that its script hands over: a line with what is asked of the shell (`files`, `dirs`,
 * `nospace`), then one candidate a line, for most shells with a description behind a tab. No line holds a control character.
 */
export async function reply(shell: string, given: readonly string[], commands: readonly CommandEntry[], sources: CompletionSources): Promise<string> {
  const typed = typedIn(shell, given)
  const completion = await complete(typed.words, commands, sources)
  return [completion.directives.join(' '), ...lines(shell, completion, typed)].map((line) => `${line}\n`).join('')
}

/** bash: COMP_WORDBREAKS and the line up to the cursor. PowerShell: the words as base64 of lines, as no version hands all words over unharmed. Else the words, the last one as it stands. */
function typedIn(shell: string, given: readonly string[]): TypedLine {
  const [first = '', second = ''] = given
  if (shell === 'bash') return readBashLine(second, first)
  const words = shell === 'powershell' ? Buffer.from(first, 'base64').toString('utf8').split('\n') : [...given.slice(0, -1), unquoted(given.at(-1) ?? '')]
  return {words, quote: '', kept: 0}
}

function lines(shell: string, {candidates}: Completion, typed: TypedLine): string[] {
  return candidates.flatMap(({value, description}) => {
    if (shell === 'bash') return quoteForBash(value, typed) ?? []
    const word = shell === 'powershell' ? `${quoteForPowerShell(value)}\t${value}` : value
    return description ? `${word}\t${sanitizeLine(description.replaceAll(/\s+/g, ' '), 100)}` : word
  })
}
