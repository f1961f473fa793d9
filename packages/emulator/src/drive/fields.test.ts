import assert from 'node:assert/strict'
import fc from 'fast-check'
import {DriveError} from './errors.ts'
import {parseFields, select} from './fields.ts'
import {fileListShape, fileShape} from './shapes.ts'

const file = {id: '1', name: 'a', owners: [{emailAddress: 'a@x', displayName: 'A'}, {emailAddress: 'b@x', displayName: 'B'}], capabilities: {canEdit: true, canCopy: false}}
const list = {files: [file, {...file, id: '2'}], nextPageToken: 't', kind: 'drive#fileList'}

describe('fields', () => {
  const cases: [string, unknown][] = [
    ['nextPageToken', {nextPageToken: 't'}],
    ['files(id,name),nextPageToken', {files: [{id: '1', name: 'a'}, {id: '2', name: 'a'}], nextPageToken: 't'}],
    ['files/id, files/name', {files: [{id: '1', name: 'a'}, {id: '2', name: 'a'}]}],
    ['files(id,owners/emailAddress)', {files: [{id: '1', owners: [{emailAddress: 'a@x'}, {emailAddress: 'b@x'}]}, {id: '2', owners: [{emailAddress: 'a@x'}, {emailAddress: 'b@x'}]}]}],
    ['files(capabilities(canEdit),size)', {files: [{capabilities: {canEdit: true}}, {capabilities: {canEdit: true}}]}],
    ['*', list],
    ['files/*', {files: list.files}],
    ['*/id,kind', {files: [{id: '1'}, {id: '2'}], nextPageToken: 't', kind: 'drive#fileList'}],
    ['files,files/id', {files: list.files}],
  ]
  for (const [text, wanted] of cases) it(`selects ${text}`, () => assert.deepEqual(select(list, parseFields(text, fileListShape)), wanted))

  for (const bad of ['', 'nonsense', 'files(', 'files()', 'files(id', 'files(id))', 'id,', '/id', 'files/', 'files(nonsense)', 'id name', 'files(owners/nobody)', 'constructor']) {
    it(`refuses "${bad}"`, () => {
      assert.throws(() => parseFields(bad, fileListShape), (error) => error instanceof DriveError && error.code === 400 && error.message.startsWith('Invalid field selection'))
    })
  }

  it('never fails in another way, and selects nothing that is not there', () => {
    const part = fc.constantFrom('id', 'name', 'owners', 'emailAddress', 'capabilities', '*', '(', ')', ',', '/', ' ', 'x')
    fc.assert(fc.property(fc.array(part, {maxLength: 16}), (parts) => {
      try {
        const picked = select(file, parseFields(parts.join(''), fileShape)) as Record<string, unknown>
        for (const name of Object.keys(picked)) assert.ok(name in file)
      } catch (error) {
        assert.ok(error instanceof DriveError, String(error))
      }
    }), {numRuns: 3000})
    assert.throws(() => parseFields('files('.repeat(5000), fileListShape), DriveError)
    assert.throws(() => parseFields('files/'.repeat(5000), fileListShape), DriveError)
  })
})
