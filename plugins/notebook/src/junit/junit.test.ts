import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {testPython} from '../../../../test/helpers/jupyter-server.ts'
import {junitChunks, type JUnitReport} from './junit.ts'

const xmlOf = (report: JUnitReport): string => [...junitChunks(report)].join('')

/** What expat, a conforming parser, reads: for each element its name, attributes and text. */
function parsed(xml: string): [tag: string, attributes: Record<string, string>, text: string | null][] {
  const program = 'import json, sys, xml.etree.ElementTree as e\nprint(json.dumps([[x.tag, x.attrib, x.text] for x in e.fromstring(sys.stdin.buffer.read()).iter()]))'
  const {status, stdout, stderr} = spawnSync(testPython, ['-I', '-c', program], {input: xml, encoding: 'utf8'})
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as ReturnType<typeof parsed>
}

describe('JUnit XML', () => {
  it('has a suite for each notebook, a case for each test, and counts that add up', () => {
    const elements = parsed(xmlOf({suites: [
      {name: 'a.ipynb', timeSeconds: 1.5, tests: [
        {name: 'cell 1', classname: 'a', timeSeconds: 1.25, status: 'passed'},
        {name: 'cell 2', classname: 'a', timeSeconds: 1e-7, status: 'failed', message: 'ValueError: no', details: 'Traceback\n  line 1'},
        {name: 'cell 3', classname: 'a', timeSeconds: 0, status: 'skipped'},
      ]},
      {name: 'b.ipynb', timeSeconds: 0.25, tests: [{name: 'cell 1', classname: 'b', timeSeconds: 0.25, status: 'error', message: 'the kernel died'}]},
    ]}))
    assert.deepEqual(elements.map(([tag, attributes, text]) => [tag, attributes, text?.trim() || null]), [
      ['testsuites', {tests: '4', failures: '1', errors: '1', time: '1.750'}, null],
      ['testsuite', {name: 'a.ipynb', tests: '3', failures: '1', errors: '0', skipped: '1', time: '1.500'}, null],
      ['testcase', {name: 'cell 1', classname: 'a', time: '1.250'}, null],
      ['testcase', {name: 'cell 2', classname: 'a', time: '0.000'}, null],
      ['failure', {message: 'ValueError: no'}, 'Traceback\n  line 1'],
      ['testcase', {name: 'cell 3', classname: 'a', time: '0.000'}, null],
      ['skipped', {}, null],
      ['testsuite', {name: 'b.ipynb', tests: '1', failures: '0', errors: '1', skipped: '0', time: '0.250'}, null],
      ['testcase', {name: 'cell 1', classname: 'b', time: '0.250'}, null],
      ['error', {message: 'the kernel died'}, null],
    ])
  })

  it('is XML whatever the texts hold, and says what they said', () => {
    const every = Array.from({length: 0x100}, (_, code) => String.fromCharCode(code)).join('')
    const texts: [text: string, read: string][] = [
      ['<b> & "c" \'d\' ]]> é 中 😀', '<b> & "c" \'d\' ]]> é 中 😀'],
      ['\u001B[0;31mValueError\u001B[0m: \u001B]8;;http://x\u0007link\u001B]8;;\u0007', 'ValueError: link'],
      ['one\r\ntwo\rthree\tfour', 'one\ntwo\nthree\tfour'],
      ['\uD800half\uDC00\uFFFE\uFFFF\u0000', 'half'],
      [every.replace('\u001B', ''), every.replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g, '').replace('\r', '\n')], // eslint-disable-line no-control-regex -- what is to be gone
    ]
    const elements = parsed(xmlOf({suites: texts.map(([text]) => ({name: text, timeSeconds: Number.NaN, tests: [{name: text, classname: text, timeSeconds: -1, status: 'failed', message: text, details: `.${text}.`}]}))}))
    assert.deepEqual(
      elements.filter(([tag]) => tag === 'failure').map(([, {message}, text]) => [message, text]),
      texts.map(([, read]) => [read, `.${read}.`]),
    )
    assert.deepEqual(elements.filter(([tag]) => tag === 'testcase').map(([, {name, classname, time}]) => [name, classname, time]), texts.map(([, read]) => [read, read, '0.000']))
  })

  it('has no suites where nothing was run', () => assert.deepEqual(parsed(xmlOf({suites: []}))[0]?.[1], {tests: '0', failures: '0', errors: '0', time: '0.000'}))
})
