import assert from 'node:assert/strict'
import fc from 'fast-check'
import {callMatcher} from '../faults/matcher.ts'
import {Scrubber} from '../record/scrub.ts'
import {parseScenario} from './load.ts'
import {scenarioSchema} from './schema.ts'

const words = fc.constantFrom(...Object.keys(scenarioSchema.shape), 'match', 'do', 'at', 'after', 'status', 'latency', 'reclaim', 'email', 'tier', '*', '90s', '__proto__', 'x')
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof({maxDepth: 4}, fc.constant(null), fc.boolean(), fc.integer(), fc.double(), words, fc.string(), fc.array(tie('any'), {maxLength: 4}), fc.dictionary(words, tie('any'), {maxKeys: 5})),
})).any

describe('whatever is written', () => {
  it('in a scenario is taken, or refused with what is wrong', () => {
    fc.assert(fc.property(fc.oneof(value, fc.dictionary(words, value)), (input) => {
      try {
        parseScenario(input, 'test')
      } catch (error) {
        assert.equal((error as {code?: string}).code, 'SCENARIO_INVALID')
        assert.match((error as Error).message, /^the scenario test is not valid: .+/)
      }
    }), {numRuns: 500})
  })

  it('as a path of a fault matches itself, and never breaks', () => {
    const call = (path: string) => ({site: 'control' as const, method: 'GET', path, query: new URLSearchParams(), headers: {}})
    fc.assert(fc.property(fc.string(), fc.string(), (pattern, path) => {
      callMatcher({path: pattern})(call(path))
      assert.ok(callMatcher({path: pattern.replaceAll('*', '')})(call(pattern.replaceAll('*', ''))))
      assert.ok(callMatcher({path: `${path.replaceAll('*', '')}**`})(call(`${path.replaceAll('*', '')}/a/b`)))
    }))
  })

  it('as a secret is in no recording, wherever it stands', () => {
    const secret = fc.string({minLength: 8, maxLength: 60}).filter((one) => !/^(scrubbed-\d+|person\d)/.test(one) && one.trim() === one)
    fc.assert(fc.property(secret, fc.string(), fc.string(), (token, before, after) => {
      const scrubber = new Scrubber()
      scrubber.learnBody(JSON.stringify({access_token: token}))
      const clean = scrubber.scrub(`${before}${token}${after} ${encodeURIComponent(token)}`)
      // what stands around it may spell it again
      if (!before.includes(token) && !after.includes(token)) assert.ok(!clean.includes(token) || `${before}scrubbed-1${after}`.includes(token), clean)
    }))
  })
})
