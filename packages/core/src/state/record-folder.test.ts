import assert from 'node:assert/strict'
import {mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {isObject} from './json.ts'
import {JsonFile} from './json-file.ts'
import {RecordFolder} from './record-folder.ts'

interface Note {
  id: string
  text: string
}

describe('a folder of records', () => {
  let folder = ''
  let records: RecordFolder<Note>
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cgpu-records-'))
    records = new RecordFolder<Note>({
      folder, key: 'note', idOf: ({id}) => id, isId: (id) => /^[a-z]+$/.test(id), refuse: (id) => new Error(`no id: ${id}`),
      parse: (value) => (isObject(value) && typeof value['id'] === 'string' && typeof value['text'] === 'string' ? {id: value['id'], text: value['text']} : undefined),
    })
  })
  afterEach(() => rm(folder, {recursive: true, force: true}))

  it('keeps what is put, makes what is new, and changes what is there', async () => {
    await records.put({id: 'a', text: 'one'})
    assert.deepEqual([await records.create({id: 'a', text: 'two'}), await records.create({id: 'b', text: 'two'})], [false, true])
    assert.deepEqual(await records.update('a', (old) => ({...old, text: `${old.text} more`})), {id: 'a', text: 'one more'})
    assert.deepEqual(await records.update('a', () => undefined), {id: 'a', text: 'one more'})
    assert.equal(await records.update('c', () => assert.fail()), undefined)
    assert.deepEqual((await records.all()).map(({text}) => text).sort(), ['one more', 'two'])
    await assert.rejects(records.get('../a'), /no id/)
  })

  it('brings none back that is removed while somebody changes it', async () => {
    await records.put({id: 'a', text: 'one'})
    let removing: Promise<void> | undefined
    await new JsonFile({path: join(folder, 'a.json'), version: 1, initial: () => ({}), parse: (value) => value}).update(async (value) => {
      removing = records.remove('a')
      await delay(20)
      return value
    })
    await removing
    assert.deepEqual([await records.get('a'), await records.ids(), await readdir(folder)], [undefined, [], ['a.json.bak']])
    await records.remove('a')
  })
})
