import {parser} from '@lezer/python'
import {ipython} from './ipython.ts'
import {Reading} from './python/reading.ts'

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

/** Reads a cell's text. Nothing is run. */
export function pythonNames(source: string): PythonNames {
  const {text, opaque} = ipython(source)
  const reading = new Reading(text)
  const tree = parser.parse(text)
  reading.notes.names.opaque = opaque
  tree.iterate({enter: (node) => void (reading.notes.names.opaque ||= node.type.isError)})
  try {
    return reading.whole(tree.topNode)
  } catch (error) {
    // nested deeper than the stack goes
    if (!(error instanceof RangeError)) throw error
    return {...new Reading(text).notes.names, opaque: true}
  }
}
