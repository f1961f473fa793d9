import assert from 'node:assert/strict'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {Told} from './told.ts'

describe('what plugins are told of a detached run', () => {
  it('is told once and in order, by several followers at once and by later ones', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-told-'))
    try {
      const told: string[] = []
      let telling = 0
      const tell = (what: string) => async (): Promise<void> => {
        assert.equal(++telling, 1, 'two at once')
        await Promise.resolve()
        told.push(what)
        telling--
      }
      const follow = async (): Promise<void> => {
        const follower = new Told(folder)
        for (let number = 0; number < 6; number++) if (number !== 2) await follower.event(number, tell(String(number)))
        await follower.end(tell('end'))
      }
      await Promise.all([follow(), follow(), follow()])
      await follow()
      // a late one that has not seen what was told
      await new Told(folder).event(2, tell('too late'))
      assert.deepEqual(told, ['0', '1', '3', '4', '5', 'end'])
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })

  it('counts as told when that begins: what fails is not told again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cgpu-told-'))
    try {
      await assert.rejects(new Told(folder).event(0, () => Promise.reject(new Error('the hook'))), /the hook/)
      await new Told(folder).event(0, () => assert.fail())
    } finally {
      await rm(folder, {recursive: true, force: true})
    }
  })
})
