import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {closest, distance} from './closest.ts'
import {sanitizeLine} from './line.ts'
import {generateName, matchPrefix, validateName} from './names.ts'

describe('names', () => {
  it('accepts what the rule allows', () => {
    for (const name of ['a', '0', 'trainer', 'a-b-', '4090-box', 'a'.repeat(40)]) assert.equal(validateName(name), name)
  })

  it('refuses everything else and shows it safely', () => {
    for (const name of ['', '-a', 'A', 'a b', 'ä', 'a'.repeat(41), '../x', 'a\n', 'a\u001b[31m', 'a\u202eb', 'x'.repeat(100_000)]) {
      assert.throws(() => validateName(name), (error: Error & {code?: string; exit?: number; fix?: string}) => {
        assert.deepEqual([error.code, error.exit], ['INVALID_NAME', 64])
        assert.match(error.fix ?? '', /1 to 40 of a-z, 0-9/)
        assert.ok(error.message.length < 300)
        return sanitizeLine(error.message) === error.message
      })
    }
    assert.throws(() => validateName('a\u0007'), {message: String.raw`"a\x07" cannot be a runtime name`})
  })

  it('generates valid names, never one that is taken', () => {
    fc.assert(fc.property(fc.array(fc.double({min: 0, max: 1, noNaN: true}), {minLength: 1}), values => {
      let at = 0
      const random = (): number => values[at++ % values.length] ?? 0
      const taken = new Set<string>()
      for (let round = 0; round < 30; round++) {
        const name = generateName(taken, random)
        assert.equal(validateName(name), name)
        assert.ok(!taken.has(name))
        taken.add(name)
      }
    }))
  })

  describe('matchPrefix', () => {
    const items = [
      {id: 'local-1a', name: 'train'}, {id: 'local-1b', name: 'trainer'}, {id: 'local-2c', name: 'web'}, {id: 'colab-9', name: undefined},
    ]

    it('prefers exact names and ids, then unique prefixes of either', () => {
      assert.equal(matchPrefix('train', items).id, 'local-1a')
      assert.equal(matchPrefix('traine', items).id, 'local-1b')
      assert.equal(matchPrefix('local-1b', items).id, 'local-1b')
      assert.equal(matchPrefix('w', items).id, 'local-2c')
      assert.equal(matchPrefix('col', items).id, 'colab-9')
    })

    it('lists what an ambiguous prefix could mean', () => {
      assert.throws(() => matchPrefix('tr', items), {code: 'AMBIGUOUS', exit: 64, message: '"tr" matches 2 runtimes: train, trainer'})
      assert.throws(() => matchPrefix('same', [{id: 'a', name: 'same'}, {id: 'b', name: 'same'}]), {code: 'AMBIGUOUS', message: '"same" matches 2 runtimes: a, b'})
    })

    it('says what was probably meant', () => {
      assert.throws(() => matchPrefix('trianer', items), {code: 'NOT_FOUND', exit: 66, fix: 'did you mean "trainer"?'})
      assert.throws(() => matchPrefix('zzz', items), {code: 'NOT_FOUND', fix: 'choose one of: train, trainer, web, colab-9'})
      assert.throws(() => matchPrefix('', items), {code: 'NOT_FOUND'})
      assert.throws(() => matchPrefix('x', [], 'kernel'), {code: 'NOT_FOUND', message: 'there is no kernel "x"', fix: 'there are no kernels yet'})
      assert.throws(() => matchPrefix('x', [], 'runtime'), {fix: 'make one: cgpu runtime create'})
    })

    it('never guesses: what it returns is exact or the only one', () => {
      fc.assert(fc.property(fc.array(fc.record({id: fc.string({maxLength: 4}), name: fc.string({maxLength: 3})}), {maxLength: 6}), fc.string({maxLength: 3}), (some, query) => {
        try {
          const found = matchPrefix(query, some)
          const others = some.filter(one => one !== found)
          const exact = found.name === query || found.id === query
          assert.ok(exact || others.every(one => !one.name.startsWith(query) && !one.id.startsWith(query)))
        } catch (error) {
          assert.ok(error instanceof Error && 'code' in error && (error.code === 'NOT_FOUND' || error.code === 'AMBIGUOUS'))
        }
      }))
    })
  })

  describe('closest', () => {
    it('finds typing mistakes and beginnings', () => {
      assert.equal(closest('lsit', ['list', 'show']), 'list')
      assert.equal(closest('GPU', ['gpu', 'tpu']), 'gpu')
      assert.equal(closest('prov', ['runtime', 'provider']), 'provider')
      assert.equal(closest('zzz', ['gpu', 'tpu']), undefined)
      assert.equal(closest('', ['a']), undefined)
      assert.equal(closest('x'.repeat(100_000), ['a', 'b']), undefined)
    })

    it('measures a distance', () => {
      const word = fc.string({maxLength: 12})
      fc.assert(fc.property(word, word, (a, b) => {
        const far = distance(a, b)
        assert.equal(far, distance(b, a))
        assert.equal(far === 0, a === b)
        assert.ok(far >= Math.abs(a.length - b.length) && far <= Math.max(a.length, b.length))
      }))
    })
  })

  describe('sanitizeLine', () => {
    it('leaves nothing that a terminal acts on', () => {
      fc.assert(fc.property(fc.string({unit: 'binary', maxLength: 50}), text => {
        const line = sanitizeLine(text)
        // eslint-disable-next-line no-control-regex -- control characters are what is looked for
        assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
        assert.ok(line.isWellFormed())
        assert.equal(sanitizeLine(line), line)
      }), {numRuns: 2000})
    })

    it('cuts what is long', () => {
      assert.equal(sanitizeLine('x'.repeat(1e6), 10), 'xxxxxxxxx…')
      assert.equal(sanitizeLine('größe 漢字 🙂'), 'größe 漢字 🙂')
      assert.equal(sanitizeLine('a\nb\tc'), String.raw`a\nb\tc`)
    })
  })
})
