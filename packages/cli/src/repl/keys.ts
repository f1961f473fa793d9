import type {Key} from 'node:readline'

/** What a key means to the editor. */
export type Action =
  | {type: 'insert'; text: string}
  | {type: 'accept' | 'newline' | 'complete' | 'interrupt' | 'eof' | 'suspend' | 'clear-screen' | 'search' | 'cancel' | 'undo'}
  | {type: 'move'; to: 'left' | 'right' | 'word-left' | 'word-right' | 'line-start' | 'line-end' | 'up' | 'down' | 'start' | 'end'}
  | {type: 'recall'; by: -1 | 1}
  | {type: 'delete'; to: 'left' | 'right' | 'word-left' | 'word-right' | 'space-left' | 'line-start' | 'line-end'}
  | {type: 'yank'}
  | {type: 'paste'; text: string}

const control: Record<string, Action> = {
  a: {type: 'move', to: 'line-start'}, b: {type: 'move', to: 'left'}, c: {type: 'interrupt'}, d: {type: 'eof'}, e: {type: 'move', to: 'line-end'},
  f: {type: 'move', to: 'right'}, g: {type: 'cancel'}, h: {type: 'delete', to: 'left'}, i: {type: 'complete'}, j: {type: 'accept'},
  k: {type: 'delete', to: 'line-end'}, l: {type: 'clear-screen'}, m: {type: 'accept'}, n: {type: 'recall', by: 1}, o: {type: 'newline'},
  p: {type: 'recall', by: -1}, r: {type: 'search'}, u: {type: 'delete', to: 'line-start'}, w: {type: 'delete', to: 'space-left'},
  y: {type: 'yank'}, z: {type: 'suspend'}, _: {type: 'undo'}, left: {type: 'move', to: 'word-left'}, right: {type: 'move', to: 'word-right'},
  backspace: {type: 'delete', to: 'space-left'}, home: {type: 'move', to: 'start'}, end: {type: 'move', to: 'end'},
}

const meta: Record<string, Action> = {
  b: {type: 'move', to: 'word-left'}, f: {type: 'move', to: 'word-right'}, d: {type: 'delete', to: 'word-right'}, left: {type: 'move', to: 'word-left'},
  right: {type: 'move', to: 'word-right'}, backspace: {type: 'delete', to: 'word-left'}, return: {type: 'newline'}, enter: {type: 'newline'},
}

const plain: Record<string, Action> = {
  return: {type: 'accept'}, enter: {type: 'accept'}, tab: {type: 'complete'}, backspace: {type: 'delete', to: 'left'}, delete: {type: 'delete', to: 'right'},
  left: {type: 'move', to: 'left'}, right: {type: 'move', to: 'right'}, up: {type: 'move', to: 'up'}, down: {type: 'move', to: 'down'},
  home: {type: 'move', to: 'line-start'}, end: {type: 'move', to: 'line-end'}, pageup: {type: 'recall', by: -1}, pagedown: {type: 'recall', by: 1},
  escape: {type: 'cancel'},
}

/** Undefined: a key that means nothing here. The same keys as in Emacs, bash and IPython. */
export function actionOf(text: string | undefined, key: Key): Action | undefined {
  const {name = '', ctrl, meta: alt, sequence} = key
  // node gives Ctrl-_ no name
  if (sequence === '\x1f') return control['_']
  if (ctrl) return own(control, name)
  if (alt) return own(meta, name)
  const action = own(plain, name)
  if (action) return action
  // a sequence that node does not know comes as text that begins with ESC
  return text !== undefined && text !== '' && printable(text) ? {type: 'insert', text} : undefined
}

const own = (table: Record<string, Action>, name: string): Action | undefined => (Object.hasOwn(table, name) ? table[name] : undefined)

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g

function printable(text: string): boolean {
  return text.search(controls) === -1
}

/** Pasted text as it may stand in a buffer: line ends of one kind, no control characters. */
export function pasted(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(controls, '')
}
