import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type {ExecutionEvent} from '../execution/events.ts'
import {isObject} from '../state/json.ts'
import {schemaFor, schemaNames} from './commands.ts'
import {NdjsonEncoder, textPayload} from './ndjson.ts'
import type {ConfigEntryJson, DoctorCheckJson, ExecJson, RunJson, RuntimeJson, StreamEvent} from './types.ts'
import {outputSchemas} from './zod.ts'

const now = (): Date => new Date('2026-11-22T10:00:00Z')

type Output = Extract<ExecutionEvent, {data: Uint8Array}>

/** The events of ndjson text, each checked by the schema. */
async function read(text: string): Promise<Record<string, unknown>[]> {
  const {streamEvent} = await outputSchemas()
  assert.ok(text === '' || text.endsWith('\n'))
  return text.split('\n').filter(Boolean).map(line => streamEvent.parse(JSON.parse(line)))
}

describe('ndjson events', () => {
  const started: ExecutionEvent = {type: 'started', id: 'ignored', runtime: 'r', kernel: 'python3', attached: true}
  const every: ExecutionEvent[] = [
    started,
    {type: 'stdout', data: Buffer.from('größe\n')},
    {type: 'stderr', data: Uint8Array.of(0xff, 0x41)},
    {type: 'display', display: {kind: 'execute_result', data: {'text/plain': '1'}, metadata: {}, executionCount: 3, displayId: 'd'}},
    {type: 'progress', message: 'uploading', done: 1, total: 2},
    {type: 'input_request', prompt: '? ', password: false},
    {type: 'artifact', path: 'a/b', size: 3, sha256: 'a'.repeat(64)},
    {type: 'reconnecting', reason: 'reset'},
    {type: 'reconnected'},
    {type: 'notice', code: 'LOG_GAP', message: 'x'},
  ]

  it('follow the schema, are stamped, and count without gaps', async () => {
    const encoder = new NdjsonEncoder({id: 'run-1', now})
    const text = every.map(event => encoder.encode(event)).join('')
      + encoder.line({type: 'cost', amount: 1.5, unit: 'CU'})
      + encoder.line({type: 'finished', exitStatus: 1, durationSeconds: 2.5, error: {name: 'ValueError', message: 'no', traceback: []}})
    const events = await read(text)
    assert.deepEqual(events.map(event => event['seq']), events.map((_, index) => index))
    assert.ok(events.every(event => event['id'] === 'run-1' && event['ts'] === '2026-11-22T10:00:00.000Z'))
    assert.deepEqual(events[0], {type: 'started', ts: '2026-11-22T10:00:00.000Z', seq: 0, id: 'run-1', runtime: 'r', kernel: 'python3', attached: true})
    assert.deepEqual([events[1]?.['data'], events[1]?.['encoding']], ['größe\n', undefined])
    assert.deepEqual([events[2]?.['data'], events[2]?.['encoding']], [Buffer.from([0xff, 0x41]).toString('base64'), 'base64'])
    assert.deepEqual(events[3]?.['mime'], {'text/plain': '1'})
  })

  it('have an empty id until there is one', async () => {
    const encoder = new NdjsonEncoder({id: '', now})
    const text = encoder.encode({type: 'progress', message: 'waiting'}) + encoder.encode(every[0]!) + encoder.encode({type: 'stdout', data: 'x'})
    const started = every[0] as {id?: string}
    assert.deepEqual((await read(text)).map((event) => [event['seq'], event['id']]), [[0, ''], [1, started.id], [2, started.id]])
  })

  it('carry output byte by byte, however it was cut', async () => {
    const chunk = fc.oneof(fc.uint8Array({maxLength: 5}), fc.string({unit: 'grapheme', maxLength: 3}).map(text => new TextEncoder().encode(text)), fc.constantFrom([0xe2], [0x82], [0xac], [0xf0, 0x9f], [0x99, 0x82], [0xc3]).map(list => Uint8Array.from(list)))
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), chunk).map(([out, data]): Output => (out ? {type: 'stdout', data} : {type: 'stderr', data})), {maxLength: 10}), async chunks => {
      const encoder = new NdjsonEncoder({id: 'x', now})
      const events = await read(chunks.map(event => encoder.encode(event)).join('') + encoder.flush())
      for (const stream of ['stdout', 'stderr'] as const) {
        const sent = Buffer.concat(chunks.filter(({type}) => type === stream).map(({data}) => data))
        const got = Buffer.concat(events.filter(event => event['type'] === stream).map(event => Buffer.from(String(event['data']), event['encoding'] === 'base64' ? 'base64' : 'utf8')))
        assert.deepEqual(got, sent)
      }
    }), {numRuns: 1000})
  })

  it('keep text text when only its characters were cut', async () => {
    const bytes = Buffer.from('a€🙂é')
    const encoder = new NdjsonEncoder({id: 'x', now})
    const events = await read([...bytes].map(byte => encoder.encode({type: 'stdout', data: Uint8Array.of(byte)})).join(''))
    assert.equal(events.map(event => event['data']).join(''), 'a€🙂é')
    assert.ok(events.every(event => event['encoding'] === undefined))
  })

  it('hold nothing of a chunk that is reused by its sender', () => {
    const encoder = new NdjsonEncoder({id: 'x', now})
    const shared = Buffer.from([0x41, 0xe2])
    encoder.encode({type: 'stdout', data: shared})
    shared.fill(0)
    assert.match(encoder.encode({type: 'stdout', data: Uint8Array.of(0x82, 0xac)}), /"data":"€"/)
  })

  it('are refused by the schema when a field is missing or wrong', async () => {
    const {streamEvent} = await outputSchemas()
    const good = {type: 'stdout', ts: now().toISOString(), seq: 0, id: 'x', data: 'y'}
    assert.ok(streamEvent.safeParse(good).success)
    assert.ok(streamEvent.safeParse({...good, more: 1}).success)
    for (const bad of [{...good, ts: 'today'}, {...good, seq: -1}, {...good, data: 1}, {...good, encoding: 'hex'}, {...good, type: 'other'}]) assert.ok(!streamEvent.safeParse(bad).success)
  })

  it('say base64 only where they must', () => {
    assert.deepEqual(textPayload(Buffer.from('\0ok')), {data: '\0ok'})
    assert.deepEqual(textPayload(Uint8Array.of(0xed, 0xa0, 0x80)), {data: '7aCA', encoding: 'base64'})
  })
})

describe('schemas', () => {
  it('exist for every name, as JSON Schema', async () => {
    for (const name of schemaNames()) {
      const schema = await schemaFor(name)
      assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema')
      assert.equal(typeof schema['title'], 'string')
      assert.ok(isObject(JSON.parse(JSON.stringify(schema))))
    }
  })

  it('may be asked for with spaces', async () => {
    assert.deepEqual(await schemaFor('runtime list'), await schemaFor('runtime:list'))
  })

  it('are missed with a suggestion', async () => {
    await assert.rejects(schemaFor('runtime lsit'), {code: 'NO_SCHEMA', exit: 66, fix: 'did you mean "runtime list"?'})
    await assert.rejects(schemaFor('toString'), {code: 'NO_SCHEMA'})
  })

  it('say the same as the types', async () => {
    const schemas = await outputSchemas()
    // these assignments are the test: they compile only while zod and the types agree
    const event = (value: ReturnType<typeof schemas.streamEvent.parse>): StreamEvent => value
    const runtime = (value: ReturnType<typeof schemas.runtime.parse>): RuntimeJson => value
    const config = (value: ReturnType<typeof schemas.configEntry.parse>): ConfigEntryJson => value
    const exec = (value: ReturnType<typeof schemas.exec.parse>): ExecJson => value
    const run = (value: ReturnType<typeof schemas.finishedRun.parse>): RunJson => value
    const check = (value: ReturnType<typeof schemas.doctorCheck.parse>): DoctorCheckJson => value
    for (const same of [event, runtime, config, exec, run, check]) assert.equal(typeof same, 'function')
    const entry: ConfigEntryJson = {key: 'gpu', value: null, source: 'default', origin: 'not set'}
    assert.deepEqual(schemas.configEntry.parse(entry), entry)
  })
})
