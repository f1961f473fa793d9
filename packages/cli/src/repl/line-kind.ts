/** What was typed: code for the kernel, a question about a name, or a command of the REPL's own. */
export type Typed =
  | {kind: 'blank'}
  | {kind: 'code'; code: string}
  | {kind: 'inspect'; name: string; detail: 0 | 1}
  | {kind: 'command'; name: string; argument: string}
  | {kind: 'edit'; argument: string}

const commands = new Set(['help', 'kernel', 'restart', 'quit'])
const about = /^(\?{1,2})\s*([^\s?].*)$|^([^\s?'"#!%][^?'"#]*|%{1,2}\w+)(\?{1,2})$/u

/** `language`: of the kernel. Julia's symbols begin with a colon, too: only what is a command is one. */
export function kindOf(text: string, language: string): Typed {
  const line = text.trim()
  if (line === '') return {kind: 'blank'}
  const [, name = '', argument = ''] = /^:([a-z]+)(?:\s+(\S+))?$/.exec(line) ?? []
  if (commands.has(name) || (name !== '' && language === 'python')) return {kind: 'command', name, argument}
  if (/^(exit|quit)(\(\))?$/.test(line) && language === 'python') return {kind: 'command', name: 'quit', argument: ''}
  // the kernel would open an editor on the machine, where nobody sees it
  const edit = language === 'python' ? /^%ed(?:it)?(?:[ \t]+(\S.*))?$/.exec(line) : null
  if (edit) return {kind: 'edit', argument: edit[1] ?? ''}
  const question = line.includes('\n') ? null : about.exec(line)
  if (question) {
    const [, before, after, subject, behind] = question
    return {kind: 'inspect', name: (after ?? subject ?? '').trim(), detail: (before ?? behind ?? '').length === 2 ? 1 : 0}
  }
  return {kind: 'code', code: text}
}

export const help = `Enter        runs the code when it is whole, else begins another line (Alt-Enter: always)
Tab          what may stand here       name?  what it is       name??  its source
Up, Ctrl-R   what was typed before     Ctrl-C  clears the line, or interrupts the code
Ctrl-D       leaves; the kernel keeps its variables
%edit        code written in your own editor; %edit -p begins with the last one
:kernel      the kernels of this runtime; :kernel NAME goes on with that one
:restart     a fresh start of the kernel
:quit        leaves
`
