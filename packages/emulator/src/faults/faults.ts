import {errors} from '@cgpu/core/errors'
import type {Dice} from '../contract.ts'
import type {Call, MetFault} from '../frame/frame.ts'
import {applied} from './apply.ts'
import {callMatcher} from './matcher.ts'
import {type FaultRule, type FaultRuleInput, faultRuleSchema} from './rule.ts'

/** A rule that is in force, and what came of it. */
export interface ActiveFault {
  id: string
  match: FaultRule['match']
  do: FaultRule['do']
  /** calls that its patterns matched */
  matched: number
  /** calls that it struck */
  struck: number
}

interface Held extends ActiveFault {
  matches: (call: Call) => boolean
  roll: () => number
}

/** The faults in force. The first rule in order that strikes a call has it. */
export class Faults {
  readonly #dice: Dice
  #rules: Held[] = []
  #made = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  add(input: FaultRuleInput): ActiveFault {
    const rule = faultRuleSchema.parse(input)
    const id = rule.id ?? `fault-${++this.#made}`
    if (this.#rules.some((one) => one.id === id)) {
      throw errors.conflict(`there is a fault ${id} already`, {code: 'FAULT_EXISTS', fix: 'give another id, or remove that one first'})
    }
    const held: Held = {id, match: rule.match, do: rule.do, matched: 0, struck: 0, matches: callMatcher(rule.match), roll: this.#dice.row(`fault:${id}`)}
    this.#rules.push(held)
    return shown(held)
  }

  list(): ActiveFault[] {
    return this.#rules.map(shown)
  }

  remove(id: string): void {
    const left = this.#rules.filter((one) => one.id !== id)
    if (left.length === this.#rules.length) throw errors.notFound(`there is no fault ${id}`, {code: 'FAULT_NOT_FOUND', category: 'usage', fix: 'see which there are: cgpu emulator status'})
    this.#rules = left
  }

  /** Removes all. Ids begin anew, so that the same steps give the same ids and dice. */
  clear(): void {
    this.#rules = []
    this.#made = 0
  }

  meet(call: Call): MetFault | undefined {
    for (const rule of this.#rules) {
      if (!rule.matches(call)) continue
      rule.matched++
      const {skip, count, probability} = rule.match
      if (rule.matched <= skip || (count !== undefined && rule.struck >= count)) continue
      if (probability < 1 && rule.roll() >= probability) continue
      rule.struck++
      return applied(rule.id, rule.do)
    }
    return undefined
  }
}

const shown = ({id, match, do: action, matched, struck}: Held): ActiveFault => ({id, match, do: action, matched, struck})
