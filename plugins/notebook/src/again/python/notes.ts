import type {PythonNames} from '../python-names.ts'

/** Where a piece of text stands. */
export interface Scope {
  /** assigned for sure before this point, in this cell */
  sure: Set<string>
  /** of the functions and comprehensions around; undefined: none is */
  locals?: ReadonlySet<string> | undefined
  /** of the function: parameters, and whose body it is */
  inside?: {owner: string; parameters: ReadonlySet<string>; method: boolean; self?: {name: string; method: string} | undefined} | undefined
  /** in a class: what is assigned is its own */
  inClass?: boolean
}

const anything = new Set(['exec', 'eval', 'globals', 'locals', 'get_ipython', '__import__'])

/** Notes what happens to names, as scopes have it. */
export class Notes {
  readonly names: PythonNames = {
    uses: new Set(), writes: new Set(), sure: new Set(), imports: new Set(), receivers: new Set(), settings: new Set(), calls: [], changers: new Set(), changed: new Set(), methods: new Set(), methodCalls: [], aliases: [], carries: new Map(),
    effects: new Map(), outside: false, opaque: false,
  }

  /** what bodies of functions read: when they are called, which is later */
  readonly #later = new Set<string>()
  /** assigned, not only changed */
  readonly assigned = new Set<string>()

  read(name: string, scope: Scope): void {
    if (scope.locals?.has(name)) return
    if (anything.has(name)) this.names.opaque = true
    if (name === 'open') this.names.outside = true
    if (scope.inside) {
      add(this.names.carries, scope.inside.owner, name)
      this.#later.add(name)
    } else if (!scope.sure.has(name)) this.names.uses.add(name)
  }

  write(name: string, scope: Scope): void {
    if (scope.locals?.has(name) || scope.inClass) return
    this.assigned.add(name)
    if (scope.inside) add(this.names.effects, scope.inside.owner, name)
    this.names.writes.add(name)
    if (!scope.inside) scope.sure.add(name)
  }

  /** in place */
  change(name: string, scope: Scope): void {
    this.changesGiven(name, scope)
    if (scope.locals?.has(name)) return
    this.read(name, scope)
    if (scope.inside) add(this.names.effects, scope.inside.owner, name)
    this.names.writes.add(name)
    this.names.changed.add(name)
  }

  changesGiven(name: string, {inside}: Scope): void {
    if (inside?.self?.name === name) this.names.methods.add(inside.self.method)
    if (inside && !inside.method && inside.parameters.has(name)) this.names.changers.add(inside.owner)
  }

  carries(name: string, used: string): void {
    add(this.names.carries, name, used)
  }

  /** The whole cell was read. */
  finish(): PythonNames {
    for (const name of this.#later) if (!this.names.sure.has(name)) this.names.uses.add(name)
    return this.names
  }
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key)
  if (known) known.add(value)
  else map.set(key, new Set([value]))
}
