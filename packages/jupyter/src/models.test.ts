import assert from 'node:assert/strict'
import fc from 'fast-check'
import {parseJson} from './answer.ts'
import {JupyterError} from './errors.ts'
import {kernelList, kernelModel, kernelSpecs, sessionList, sessionModel} from './models.ts'

const readers: Record<string, (value: unknown) => unknown> = {
  kernel: (value) => kernelModel(value, 'api/kernels/1'),
  kernels: kernelList,
  session: (value) => sessionModel(value, 'api/sessions/1'),
  sessions: sessionList,
  kernelspecs: kernelSpecs,
}

/** Runs a reader on what a server answered: it may only give a value or say PROTOCOL. */
function onlyProtocol(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof JupyterError, String(error))
    assert.equal(error.code, 'PROTOCOL')
    assert.ok(error.message.length < 1000, `${error.message.length} characters`)
  }
}

/** Answers that are nearly right: the fields that readers look for, with anything in them. */
const nearly = fc.letrec((tie) => ({
  value: fc.oneof({depthSize: 'small'}, fc.jsonValue(), tie('fields'), fc.array(tie('value'), {maxLength: 3})),
  fields: fc.dictionary(
    fc.constantFrom('id', 'name', 'path', 'type', 'kernel', 'default', 'kernelspecs', 'spec', 'language', 'display_name', 'execution_state', 'connections', '__proto__', 'constructor'),
    tie('value'), {maxKeys: 8},
  ),
})).value

describe('what a server answers', () => {
  for (const [name, read] of Object.entries(readers)) {
    it(`is read as ${name} or refused, whatever it is`, () => {
      fc.assert(fc.property(fc.oneof(fc.jsonValue(), nearly), (value) => onlyProtocol(() => read(value))), {numRuns: 2000})
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
    })
  }

  it('is parsed or refused, whatever bytes it has and whatever it calls itself', () => {
    const headers = fc.record({'content-type': fc.constantFrom('application/json', 'text/html', 'text/plain; charset=latin1', '')})
    const body = fc.oneof(fc.uint8Array({maxLength: 200}), fc.string({unit: 'binary'}), fc.json().map((text) => text.slice(0, -1)), fc.json())
    fc.assert(
      fc.property(headers, body, (given, content) => {
        onlyProtocol(() => parseJson({status: 200, headers: given, body: Buffer.from(content as string)}, 'api/kernels')) // Buffer.from takes both
      }),
      {numRuns: 3000},
    )
  })
})
