import {parser} from '@lezer/python'
import {ipython} from './ipython.ts'
import {readers} from './builtins.ts'

/** What a cell of Python does with the names of the notebook, as its text tells. */
export interface PythonNames {
  /** read before the cell itself surely assigned them */
  uses: Set<string>
  /** assigned, deleted, or changed in place: `d[k] = 1`, `o.x = 1` */
  writes: Set<string>
  /** of those: assigned whatever happens, when the cell is over */
  sure: Set<string>
  /** that an import binds: calling what is in a module changes no name */
  imports: Set<string>
  /** whose method is called for its effect, as `list.append(x)` is */
  receivers: Set<string>
  /** whose settings it changes, as `np.random.seed(0)` does: modules, too */
  settings: Set<string>
  /** functions called by name, with the names that they are given; `bare`: for the effect only */
  calls: {name: string; given: string[]; bare: boolean}[]
  /** functions that change what they are given */
  changers: Set<string>
  /** changed in place, whatever else is called so */
  changed: Set<string>
  /** methods of its classes that change their object, and calls of methods on names, by which one is found */
  methods: Set<string>
  methodCalls: {root: string; method: string}[]
  /** `b = a`: two names of one object */
  aliases: [string, string][]
  /** it imports, or opens files: what a shell or a magic does before it concerns it */
  outside: boolean
  /** names that come along with one: those in the body of a function, the class of an object */
  carries: Map<string, Set<string>>
  /** names of the notebook that a function changes when it is called */
  effects: Map<string, Set<string>>
  /** it may do anything: `exec`, `from x import *`, a shell, what cannot be parsed */
  opaque: boolean
}

/** Of Python's own: those that change their first argument. */
const changesFirst = new Set(['setattr', 'delattr', 'next', 'anext'])
const anything = new Set(['exec', 'eval', 'globals', 'locals', 'get_ipython', '__import__'])
/** of which the result is used, and the object changed all the same */
const changingMethods = new Set(['pop', 'popitem', 'setdefault', 'fit', 'fit_transform', 'fit_predict', 'partial_fit', 'step', 'read', 'readline', 'send'])
/** of modules: what later cells go by */
const setting = /seed|set|^use$|config|option|init|filter|register|enable|disable|login/i

interface Node {
  name: string
  from: number
  to: number
  firstChild: Node | null
  nextSibling: Node | null
}

interface Scope {
  /** assigned for sure before this point, in this cell */
  sure: Set<string>
  /** of the functions and comprehensions around; undefined: none is */
  locals?: ReadonlySet<string> | undefined
  /** of the function: parameters, and whose body it is */
  inside?: {owner: string; parameters: ReadonlySet<string>; method: boolean; self?: {name: string; method: string} | undefined} | undefined
  /** in a class: what is assigned is its own */
  inClass?: boolean
}

const childrenOf = (node: Node): Node[] => {
  const all: Node[] = []
  for (let child = node.firstChild; child; child = child.nextSibling) all.push(child)
  return all
}

/** Reads a cell's text. Nothing is run. */
export function pythonNames(source: string): PythonNames {
  const {text, opaque} = ipython(source)
  const reading = new Reading(text)
  const tree = parser.parse(text)
  reading.names.opaque = opaque
  tree.iterate({enter: (node) => void (reading.names.opaque ||= node.type.isError)})
  try {
    return reading.whole(tree.topNode)
  } catch (error) {
    // nested deeper than the stack goes
    if (!(error instanceof RangeError)) throw error
    return {...new Reading(text).names, opaque: true}
  }
}

class Reading {
  readonly names: PythonNames = {
    uses: new Set(), writes: new Set(), sure: new Set(), imports: new Set(), receivers: new Set(), settings: new Set(), calls: [], changers: new Set(), changed: new Set(), methods: new Set(), methodCalls: [], aliases: [], carries: new Map(),
    effects: new Map(), outside: false, opaque: false,
  }

  readonly #text: string
  /** what bodies of functions read: when they are called, which is later */
  readonly #later = new Set<string>()
  /** assigned, not only changed */
  readonly #assigned = new Set<string>()

  constructor(text: string) {
    this.#text = text
  }

  whole(node: Node): PythonNames {
    const {sure} = this.names
    this.block(node, {sure})
    for (const name of this.#later) if (!sure.has(name)) this.names.uses.add(name)
    return this.names
  }

  block(node: Node, scope: Scope): void {
    for (const child of childrenOf(node)) this.#visit(child, scope)
  }

  #of(node: Node): string {
    return this.#text.slice(node.from, node.to)
  }

  #visit(node: Node, scope: Scope): void {
    switch (node.name) {
      case 'VariableName': return this.#read(this.#of(node), scope)
      case 'ImportStatement': return this.#import(node, scope)
      case 'AssignStatement': case 'UpdateStatement': case 'NamedExpression': return this.#assign(node, scope)
      case 'DeleteStatement': return this.#delete(node, scope)
      case 'ForStatement': case 'WithStatement': case 'TryStatement': case 'IfStatement': case 'WhileStatement': case 'MatchStatement': case 'MatchBody': return this.#compound(node, scope)
      case 'MatchClause': return this.#inner(node, scope)
      case 'CapturePattern': case 'StarPattern': return childrenOf(node).forEach((child) => this.#target(child, scope))
      case 'FunctionDefinition': return this.#function(node, scope)
      case 'ClassDefinition': return this.#class(node, scope)
      case 'LambdaExpression': return this.#lambda(node, scope)
      case 'ArrayComprehensionExpression': case 'SetComprehensionExpression': case 'DictionaryComprehensionExpression': case 'ComprehensionExpression': return this.#comprehension(node, scope)
      case 'ArgList': return this.#arguments(node, scope)
      case 'KeywordPattern': return childrenOf(node).slice(1).forEach((child) => this.#visit(child, scope))
      case 'ExpressionStatement': {
        const [only] = childrenOf(node)
        const call = only?.name === 'AwaitExpression' ? childrenOf(only).at(-1) : only
        if (call?.name === 'CallExpression') return this.#call(call, scope, true)
        return this.block(node, scope)
      }
      case 'CallExpression': return this.#call(node, scope, false)
      case 'ScopeStatement': return // its names are found with the function
      default: return this.block(node, scope)
    }
  }

  #read(name: string, scope: Scope): void {
    if (scope.locals?.has(name)) return
    if (anything.has(name)) this.names.opaque = true
    if (name === 'open') this.names.outside = true
    if (scope.inside) {
      add(this.names.carries, scope.inside.owner, name)
      this.#later.add(name)
    } else if (!scope.sure.has(name)) this.names.uses.add(name)
  }

  #write(name: string, scope: Scope): void {
    if (scope.locals?.has(name) || scope.inClass) return
    this.#assigned.add(name)
    if (scope.inside) add(this.names.effects, scope.inside.owner, name)
    this.names.writes.add(name)
    if (!scope.inside) scope.sure.add(name)
  }

  /** in place */
  #change(name: string, scope: Scope): void {
    this.#changesGiven(name, scope)
    if (scope.locals?.has(name)) return
    this.#read(name, scope)
    if (scope.inside) add(this.names.effects, scope.inside.owner, name)
    this.names.writes.add(name)
    this.names.changed.add(name)
  }

  #changesGiven(name: string, {inside}: Scope): void {
    if (inside?.self?.name === name) this.names.methods.add(inside.self.method)
    if (inside && !inside.method && inside.parameters.has(name)) this.names.changers.add(inside.owner)
  }

  #target(node: Node, scope: Scope): void {
    if (node.name === 'VariableName') return this.#write(this.#of(node), scope)
    if (node.name === 'MemberExpression') {
      this.block(node, scope)
      const root = this.#rootOf(node)
      return root === undefined ? undefined : this.#change(root, scope)
    }
    if (node.name === 'TypeDef') return this.block(node, scope)
    for (const child of childrenOf(node)) this.#target(child, scope)
  }

  #rootOf(node: Node): string | undefined {
    let at: Node | null = node
    while (at && (at.name === 'MemberExpression' || at.name === 'CallExpression')) at = at.firstChild
    return at?.name === 'VariableName' ? this.#of(at) : undefined
  }

  #assign(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    const last = parts.findLastIndex(({name}) => name === 'AssignOp' || name === 'UpdateOp')
    const [targets, values] = last < 0 ? [parts, []] : [parts.slice(0, last), parts.slice(last + 1)]
    for (const one of values) this.#visit(one, scope)
    const update = node.name === 'UpdateStatement'
    const named: string[] = []
    for (const one of targets) {
      if (update && one.name === 'VariableName') this.#read(this.#of(one), scope)
      // an annotation alone assigns nothing
      if (last < 0 && one.name === 'VariableName') continue
      this.#target(one, scope)
      if (one.name === 'VariableName') named.push(this.#of(one))
    }
    for (const name of named) for (const one of values) this.#carried(one, name)
    if (update || scope.inside || scope.inClass) return
    const [first, ...others] = [...named, ...values.flatMap((one) => (one.name === 'VariableName' ? [this.#of(one)] : []))]
    for (const other of others) if (first !== undefined) this.names.aliases.push([first, other])
  }

  /** What was made by a function, or of a class, may use what those use. */
  #carried(value: Node, name: string): void {
    if (value.name === 'VariableName') add(this.names.carries, name, this.#of(value))
    const callee = value.name === 'CallExpression' ? value.firstChild : null
    if (callee?.name === 'VariableName') add(this.names.carries, name, this.#of(callee))
    if (value.name !== 'LambdaExpression') return
    const inner = new Reading(this.#text)
    inner.#lambda(value, {sure: new Set()})
    for (const used of inner.names.uses) add(this.names.carries, name, used)
  }

  #import(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    this.names.outside = true
    const from = parts[0]?.name === 'from'
    const names = parts.slice(from ? parts.findIndex(({name}) => name === 'import') + 1 : 1)
    if (names.some(({name}) => name === '*')) this.names.opaque = true
    names.forEach((part, at) => {
      if (part.name !== 'VariableName') return
      const [before, after] = [names[at - 1]?.name, names[at + 1]?.name]
      // `import a.b` binds a, `import a.b as c` only c
      const bound = from ? after !== 'as' : before === 'as' || (before !== '.' && !aliased(names.slice(at)))
      if (!bound) return
      if (!scope.locals?.has(this.#of(part))) this.names.imports.add(this.#of(part))
      this.#write(this.#of(part), scope)
    })
  }

  #delete(node: Node, scope: Scope): void {
    for (const part of childrenOf(node)) {
      if (part.name === 'VariableName') this.#read(this.#of(part), scope)
      this.#target(part, scope)
      scope.sure.delete(this.#of(part))
    }
  }

  /** A statement with bodies: what a body assigns is sure only within. */
  #compound(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    let inside: Scope = scope
    const sure = node.name === 'WithStatement' ? scope.sure : new Set(scope.sure)
    inside = {...scope, sure}
    let binding = false
    if (node.name === 'ForStatement') {
      const at = parts.findIndex(({name}) => name === 'in')
      const body = parts.findIndex(({name}) => name === 'Body')
      parts.slice(at + 1, body).forEach((one) => this.#visit(one, scope))
      parts.slice(0, at).filter(({name}) => name !== 'for' && name !== 'async').forEach((one) => this.#target(one, inside))
      return parts.slice(body).forEach((one) => this.#inner(one, inside))
    }
    for (const part of parts) {
      if (part.name === 'as') binding = true
      else if (part.name === 'Body') {
        if (node.name === 'WithStatement') this.block(part, inside)
        else this.#inner(part, inside)
      } else if (part.name === 'MatchBody' || part.name === 'MatchClause') this.#inner(part, inside)
      else if (binding) {
        this.#target(part, inside)
        binding = false
      } else this.#visit(part, inside)
    }
  }

  #inner(node: Node, scope: Scope): void {
    this.block(node, {...scope, sure: new Set(scope.sure)})
  }

  #function(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    const name = this.#of(parts.find((part) => part.name === 'VariableName') ?? node)
    const [list, body] = [parts.find((part) => part.name === 'ParamList'), parts.find((part) => part.name === 'Body')]
    for (const part of parts) if (part.name === 'TypeDef') this.block(part, scope)
    const parameters = list ? this.#parameters(list, scope) : new Set<string>()
    const owner = scope.inside?.owner ?? name
    this.#write(name, scope)
    if (!body) return
    const {bound, global} = this.#boundIn(body)
    const locals = new Set([...(scope.locals ?? []), ...parameters, ...bound])
    for (const one of global) locals.delete(one)
    const [first] = parameters
    const self = scope.inClass === true ? (first === undefined ? undefined : {name: first, method: name}) : scope.inside?.self
    const inside = {owner, parameters: new Set([...(scope.inside?.parameters ?? []), ...parameters]), method: scope.inClass === true || scope.inside?.method === true, self}
    this.block(body, {sure: new Set(), locals, inside})
  }

  /** Their names; defaults and types are read outside. */
  #parameters(list: Node, scope: Scope): Set<string> {
    const names = new Set<string>()
    let value = false
    for (const part of childrenOf(list)) {
      if (part.name === ',') value = false
      else if (part.name === 'AssignOp') value = true
      else if (part.name === 'VariableName' && !value) names.add(this.#of(part))
      else this.#visit(part, scope)
    }
    return names
  }

  /** What a function's body binds, and what it declares to be of outside. */
  #boundIn(body: Node): {bound: Set<string>; global: Set<string>} {
    const inner = new Reading(this.#text)
    inner.block(body, {sure: new Set()})
    const global = new Set<string>()
    const look = (node: Node): void => {
      if (node.name === 'ScopeStatement') for (const one of childrenOf(node)) if (one.name === 'VariableName') global.add(this.#of(one))
      childrenOf(node).forEach(look)
    }
    look(body)
    return {bound: inner.#assigned, global}
  }

  #class(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    const name = this.#of(parts.find((part) => part.name === 'VariableName') ?? node)
    for (const part of parts) {
      if (part.name === 'ArgList') this.#arguments(part, scope)
      // what it reads it may read at any later time
      if (part.name === 'Body') this.block(part, {...scope, sure: new Set(), inClass: true, inside: scope.inside ?? {owner: name, parameters: new Set(), method: true}})
    }
    this.#write(name, scope)
  }

  #lambda(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    const list = parts.find(({name}) => name === 'ParamList')
    const parameters = list ? this.#parameters(list, scope) : []
    const locals = new Set([...(scope.locals ?? []), ...parameters])
    for (const part of parts.slice(parts.findIndex(({name}) => name === ':') + 1)) this.#visit(part, {...scope, locals})
  }

  #comprehension(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    const targets = new Set<string>()
    let [binding, firstIn] = [false, -1]
    const kinds = parts.map((part, at) => {
      if (part.name === 'for') binding = true
      else if (part.name === 'in' && binding) {
        binding = false
        if (firstIn < 0) firstIn = at
      } else if (binding) {
        const look = (one: Node): void => (one.name === 'VariableName' ? void targets.add(this.#of(one)) : childrenOf(one).forEach(look))
        look(part)
        return 'target'
      }
      return 'value'
    })
    const inner = {...scope, locals: new Set([...(scope.locals ?? []), ...targets])}
    parts.forEach((part, at) => {
      if (kinds[at] === 'value') this.#visit(part, at === firstIn + 1 ? scope : inner)
    })
  }

  #arguments(node: Node, scope: Scope): void {
    const parts = childrenOf(node)
    parts.forEach((part, at) => {
      if (part.name === 'VariableName' && parts[at + 1]?.name === 'AssignOp') return
      this.#visit(part, scope)
    })
  }

  #call(node: Node, scope: Scope, bare: boolean): void {
    const [callee, list] = childrenOf(node)
    if (!callee) return
    this.block(node, scope)
    if (callee.name === 'VariableName') {
      const parts = list ? childrenOf(list) : []
      const given = parts.flatMap((part, at) => (part.name === 'VariableName' && parts[at + 1]?.name !== 'AssignOp' ? [this.#of(part)] : []))
      const name = this.#of(callee)
      const first = parts.find((part) => part.name !== '(')
      const changed = changesFirst.has(name) && (first?.name === 'VariableName' || first?.name === 'MemberExpression') ? this.#rootOf(first) : undefined
      if (changed !== undefined) this.#change(changed, scope)
      if (bare && scope.inside && !readers.has(name)) for (const one of given) this.#changesGiven(one, scope)
      this.names.calls.push({name, given: given.filter((one) => !scope.locals?.has(one)), bare})
      return
    }
    const method = callee.name === 'MemberExpression' ? childrenOf(callee).at(-1) : undefined
    const root = this.#rootOf(callee)
    if (root === undefined || method?.name !== 'PropertyName') return
    if (!(bare || changingMethods.has(this.#of(method)))) {
      if (!scope.locals?.has(root)) this.names.methodCalls.push({root, method: this.#of(method)})
      return
    }
    this.#changesGiven(root, scope)
    if (scope.locals?.has(root)) return
    this.names.receivers.add(root)
    if (bare && setting.test(this.#of(method))) this.names.settings.add(root)
  }
}

function aliased(rest: readonly Node[]): boolean {
  const end = rest.findIndex(({name}) => name === ',')
  return rest.slice(0, end < 0 ? undefined : end).some(({name}) => name === 'as')
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key)
  if (known) known.add(value)
  else map.set(key, new Set([value]))
}
