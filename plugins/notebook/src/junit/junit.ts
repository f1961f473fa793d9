import {escapeMarkup} from '../markup/escape.ts'

export interface JUnitReport {
  suites: readonly JUnitSuite[]
}

export interface JUnitSuite {
  name: string
  timeSeconds: number
  tests: readonly JUnitTest[]
}

export interface JUnitTest {
  name: string
  /** what it belongs to: readers of reports group by it */
  classname: string
  timeSeconds: number
  /** `failed`: what was tested is wrong; `error`: it could not be tested */
  status: 'passed' | 'failed' | 'error' | 'skipped'
  /** one line */
  message?: string | undefined
  /** a traceback, a difference; ANSI sequences and control characters are removed */
  details?: string | undefined
}

const elements = {failed: 'failure', error: 'error', skipped: 'skipped'} as const

/** The report as JUnit XML, which is XML 1.0 in UTF-8 whatever the texts hold, in pieces that end with a newline. */
export function* junitChunks({suites}: JUnitReport): Generator<string> {
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${totals(suites.flatMap(({tests}) => tests))} time="${seconds(suites.reduce((sum, suite) => sum + suite.timeSeconds, 0))}">\n`
  for (const {name, timeSeconds, tests} of suites) {
    yield `  <testsuite name="${attribute(name)}"${totals(tests)} skipped="${count(tests, 'skipped')}" time="${seconds(timeSeconds)}">\n`
    for (const test of tests) yield `    ${testcase(test)}\n`
    yield '  </testsuite>\n'
  }
  yield '</testsuites>\n'
}

/** Jenkins' schema knows `skipped` of a suite only. */
const totals = (tests: readonly JUnitTest[]): string => ` tests="${tests.length}" failures="${count(tests, 'failed')}" errors="${count(tests, 'error')}"`

const count = (tests: readonly JUnitTest[], status: JUnitTest['status']): number => tests.filter((test) => test.status === status).length

function testcase({name, classname, timeSeconds, status, message, details}: JUnitTest): string {
  const attributes = `name="${attribute(name)}" classname="${attribute(classname)}" time="${seconds(timeSeconds)}"`
  if (status === 'passed') return `<testcase ${attributes}/>`
  const element = elements[status]
  const why = message === undefined ? '' : ` message="${attribute(message)}"`
  const body = details === undefined || details === '' ? '/>' : `>${escapeMarkup(details)}</${element}>`
  return `<testcase ${attributes}><${element}${why}${body}</testcase>`
}

/** A parser turns a plain newline or tab of an attribute into a space. */
const attribute = (text: string): string => escapeMarkup(text).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')

/** Never in exponents, which readers' decimals do not know. */
const seconds = (value: number): string => (Number.isFinite(value) ? Math.max(0, value) : 0).toFixed(3)
