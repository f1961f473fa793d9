import {readLambda} from './definitions.ts'
import {childrenOf, type Node} from './node.ts'
import type {Scope} from './notes.ts'
import {Reading} from './reading.ts'

export function readAssignment(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  const last = parts.findLastIndex(({name}) => name === 'AssignOp' || name === 'UpdateOp')
  const [targets, values] = last < 0 ? [parts, []] : [parts.slice(0, last), parts.slice(last + 1)]
  for (const one of values) reading.visit(one, scope)
  const update = node.name === 'UpdateStatement'
  const named: string[] = []
  for (const one of targets) {
    if (update && one.name === 'VariableName') reading.notes.read(reading.of(one), scope)
    // an annotation alone assigns nothing
    if (last < 0 && one.name === 'VariableName') continue
    reading.target(one, scope)
    if (one.name === 'VariableName') named.push(reading.of(one))
  }
  for (const name of named) for (const one of values) carried(reading, one, name)
  if (update || scope.inside || scope.inClass) return
  const [first, ...others] = [...named, ...values.flatMap((one) => (one.name === 'VariableName' ? [reading.of(one)] : []))]
  for (const other of others) if (first !== undefined) reading.notes.names.aliases.push([first, other])
}

/** What was made by a function, or of a class, may use what those use. */
function carried(reading: Reading, value: Node, name: string): void {
  if (value.name === 'VariableName') reading.notes.carries(name, reading.of(value))
  const callee = value.name === 'CallExpression' ? value.firstChild : null
  if (callee?.name === 'VariableName') reading.notes.carries(name, reading.of(callee))
  if (value.name !== 'LambdaExpression') return
  const inner = new Reading(reading.text)
  readLambda(inner, value, {sure: new Set()})
  for (const used of inner.notes.names.uses) reading.notes.carries(name, used)
}

export function readImport(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  reading.notes.names.outside = true
  const from = parts[0]?.name === 'from'
  const names = parts.slice(from ? parts.findIndex(({name}) => name === 'import') + 1 : 1)
  if (names.some(({name}) => name === '*')) reading.notes.names.opaque = true
  names.forEach((part, at) => {
    if (part.name !== 'VariableName') return
    const [before, after] = [names[at - 1]?.name, names[at + 1]?.name]
    // `import a.b` binds a, `import a.b as c` only c
    const bound = from ? after !== 'as' : before === 'as' || (before !== '.' && !aliased(names.slice(at)))
    if (!bound) return
    if (!scope.locals?.has(reading.of(part))) reading.notes.names.imports.add(reading.of(part))
    reading.notes.write(reading.of(part), scope)
  })
}

function aliased(rest: readonly Node[]): boolean {
  const end = rest.findIndex(({name}) => name === ',')
  return rest.slice(0, end < 0 ? undefined : end).some(({name}) => name === 'as')
}

export function readDeletion(reading: Reading, node: Node, scope: Scope): void {
  for (const part of childrenOf(node)) {
    if (part.name === 'VariableName') reading.notes.read(reading.of(part), scope)
    reading.target(part, scope)
    scope.sure.delete(reading.of(part))
  }
}

/** A statement with bodies: what a body assigns is sure only within. */
export function readCompound(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  const inside: Scope = {...scope, sure: node.name === 'WithStatement' ? scope.sure : new Set(scope.sure)}
  let binding = false
  if (node.name === 'ForStatement') {
    const at = parts.findIndex(({name}) => name === 'in')
    const body = parts.findIndex(({name}) => name === 'Body')
    parts.slice(at + 1, body).forEach((one) => reading.visit(one, scope))
    parts.slice(0, at).filter(({name}) => name !== 'for' && name !== 'async').forEach((one) => reading.target(one, inside))
    return parts.slice(body).forEach((one) => reading.inner(one, inside))
  }
  for (const part of parts) {
    if (part.name === 'as') binding = true
    else if (part.name === 'Body') {
      if (node.name === 'WithStatement') reading.block(part, inside)
      else reading.inner(part, inside)
    } else if (part.name === 'MatchBody' || part.name === 'MatchClause') reading.inner(part, inside)
    else if (binding) {
      reading.target(part, inside)
      binding = false
    } else reading.visit(part, inside)
  }
}
