import {readers} from '../builtins.ts'
import {childrenOf, type Node} from './node.ts'
import type {Scope} from './notes.ts'
import type {Reading} from './reading.ts'

/** Of Python's own: those that change their first argument. */
const changesFirst = new Set(['setattr', 'delattr', 'next', 'anext'])
/** of which the result is used, and the object changed all the same */
const changingMethods = new Set(['pop', 'popitem', 'setdefault', 'fit', 'fit_transform', 'fit_predict', 'partial_fit', 'step', 'read', 'readline', 'send'])
/** of modules: what later cells go by */
const setting = /seed|set|^use$|config|option|init|filter|register|enable|disable|login/i

/** The variable that `a.b().c` begins with; undefined: it begins with something else. */
export function rootOf(node: Node): Node | undefined {
  let at: Node | null = node
  while (at && (at.name === 'MemberExpression' || at.name === 'CallExpression')) at = at.firstChild
  return at?.name === 'VariableName' ? at : undefined
}

export function readArguments(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  parts.forEach((part, at) => {
    if (part.name === 'VariableName' && parts[at + 1]?.name === 'AssignOp') return
    reading.visit(part, scope)
  })
}

/** `bare`: it is a whole statement, for its effect only. */
export function readCall(reading: Reading, node: Node, scope: Scope, bare: boolean): void {
  const [callee, list] = childrenOf(node)
  if (!callee) return
  const {notes} = reading
  reading.block(node, scope)
  if (callee.name === 'VariableName') {
    const parts = list ? childrenOf(list) : []
    const given = parts.flatMap((part, at) => (part.name === 'VariableName' && parts[at + 1]?.name !== 'AssignOp' ? [reading.of(part)] : []))
    const name = reading.of(callee)
    const first = parts.find((part) => part.name !== '(')
    const changed = changesFirst.has(name) && (first?.name === 'VariableName' || first?.name === 'MemberExpression') ? rootOf(first) : undefined
    if (changed !== undefined) notes.change(reading.of(changed), scope)
    if (bare && scope.inside && !readers.has(name)) for (const one of given) notes.changesGiven(one, scope)
    notes.names.calls.push({name, given: given.filter((one) => !scope.locals?.has(one)), bare})
    return
  }
  const method = callee.name === 'MemberExpression' ? childrenOf(callee).at(-1) : undefined
  const variable = rootOf(callee)
  if (variable === undefined || method?.name !== 'PropertyName') return
  const root = reading.of(variable)
  if (!(bare || changingMethods.has(reading.of(method)))) {
    if (!scope.locals?.has(root)) notes.names.methodCalls.push({root, method: reading.of(method)})
    return
  }
  notes.changesGiven(root, scope)
  if (scope.locals?.has(root)) return
  notes.names.receivers.add(root)
  if (bare && setting.test(reading.of(method))) notes.names.settings.add(root)
}
