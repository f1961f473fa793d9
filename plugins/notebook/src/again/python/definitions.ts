import {readArguments} from './calls.ts'
import {childrenOf, type Node} from './node.ts'
import type {Scope} from './notes.ts'
import {Reading} from './reading.ts'

export function readFunction(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  const name = reading.of(parts.find((part) => part.name === 'VariableName') ?? node)
  const [list, body] = [parts.find((part) => part.name === 'ParamList'), parts.find((part) => part.name === 'Body')]
  for (const part of parts) if (part.name === 'TypeDef') reading.block(part, scope)
  const parameters = list ? parametersIn(reading, list, scope) : new Set<string>()
  const owner = scope.inside?.owner ?? name
  reading.notes.write(name, scope)
  if (!body) return
  const {bound, global} = boundIn(reading, body)
  const locals = new Set([...(scope.locals ?? []), ...parameters, ...bound])
  for (const one of global) locals.delete(one)
  const [first] = parameters
  const self = scope.inClass === true ? (first === undefined ? undefined : {name: first, method: name}) : scope.inside?.self
  const inside = {owner, parameters: new Set([...(scope.inside?.parameters ?? []), ...parameters]), method: scope.inClass === true || scope.inside?.method === true, self}
  reading.block(body, {sure: new Set(), locals, inside})
}

/** Their names; defaults and types are read outside. */
function parametersIn(reading: Reading, list: Node, scope: Scope): Set<string> {
  const names = new Set<string>()
  let value = false
  for (const part of childrenOf(list)) {
    if (part.name === ',') value = false
    else if (part.name === 'AssignOp') value = true
    else if (part.name === 'VariableName' && !value) names.add(reading.of(part))
    else reading.visit(part, scope)
  }
  return names
}

/** What a function's body binds, and what it declares to be of outside. */
function boundIn(reading: Reading, body: Node): {bound: Set<string>; global: Set<string>} {
  const inner = new Reading(reading.text)
  inner.block(body, {sure: new Set()})
  const global = new Set<string>()
  const look = (node: Node): void => {
    if (node.name === 'ScopeStatement') for (const one of childrenOf(node)) if (one.name === 'VariableName') global.add(reading.of(one))
    childrenOf(node).forEach(look)
  }
  look(body)
  return {bound: inner.notes.assigned, global}
}

export function readClass(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  const name = reading.of(parts.find((part) => part.name === 'VariableName') ?? node)
  for (const part of parts) {
    if (part.name === 'ArgList') readArguments(reading, part, scope)
    // what it reads it may read at any later time
    if (part.name === 'Body') reading.block(part, {...scope, sure: new Set(), inClass: true, inside: scope.inside ?? {owner: name, parameters: new Set(), method: true}})
  }
  reading.notes.write(name, scope)
}

export function readLambda(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  const list = parts.find(({name}) => name === 'ParamList')
  const parameters = list ? parametersIn(reading, list, scope) : []
  const locals = new Set([...(scope.locals ?? []), ...parameters])
  for (const part of parts.slice(parts.findIndex(({name}) => name === ':') + 1)) reading.visit(part, {...scope, locals})
}

export function readComprehension(reading: Reading, node: Node, scope: Scope): void {
  const parts = childrenOf(node)
  const targets = new Set<string>()
  let [binding, firstIn] = [false, -1]
  const kinds = parts.map((part, at) => {
    if (part.name === 'for') binding = true
    else if (part.name === 'in' && binding) {
      binding = false
      if (firstIn < 0) firstIn = at
    } else if (binding) {
      const look = (one: Node): void => (one.name === 'VariableName' ? void targets.add(reading.of(one)) : childrenOf(one).forEach(look))
      look(part)
      return 'target'
    }
    return 'value'
  })
  const inner = {...scope, locals: new Set([...(scope.locals ?? []), ...targets])}
  parts.forEach((part, at) => {
    if (kinds[at] === 'value') reading.visit(part, at === firstIn + 1 ? scope : inner)
  })
}
