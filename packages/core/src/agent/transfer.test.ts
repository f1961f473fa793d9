import assert from 'node:assert/strict'
import {createHash, randomBytes} from 'node:crypto'
import {chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type AgentBed, kernelNames, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import {CgpuError} from '../errors.ts'
import {AgentClient} from './client.ts'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const failsWith = (code: string) => (error: unknown): boolean => {
  assert.ok(error instanceof CgpuError, String(error))
  assert.equal(error.code, code)
  return true
}

for (const name of kernelNames) {
  describe(`files over a ${name} kernel`, function () {
    this.timeout(60_000)
    let bed: AgentBed
    let agent: AgentClient
    let here: string

    before(async () => {
      bed = await startAgentBed()
      here = mkdtempSync(join(tmpdir(), 'cgpu-files-'))
      agent = await AgentClient.open(await bed.kernel(name), {home: bed.home})
    })
    after(async () => {
      await agent.close()
      await bed.stop()
      rmSync(here, {recursive: true})
    })

    const there = (path: string): string => join(bed.jupyter.root, path)

    it('carries 64 MB up and down unchanged, with progress', async () => {
      const block = randomBytes(1 << 20)
      const data = Buffer.concat(Array.from({length: 64}, (_, i) => Buffer.from(block.map(byte => byte ^ i))))
      const local = join(here, 'big.bin')
      writeFileSync(local, data)
      const steps: number[] = []
      const up = await agent.upload(local, 'up/big.bin', {onProgress: (done, total) => {
        assert.equal(total, data.length)
        steps.push(done)
      }})
      assert.deepEqual(up, {size: data.length, sha256: sha256(data)})
      assert.equal(sha256(readFileSync(there('up/big.bin'))), up.sha256)
      assert.equal(steps.at(-1), data.length)
      steps.length = 0
      const back = join(here, 'back.bin')
      const down = await agent.download('up/big.bin', back, {onProgress: done => void steps.push(done)})
      assert.equal(down.sha256, up.sha256)
      assert.equal(sha256(readFileSync(back)), up.sha256)
      assert.equal(steps.at(-1), data.length)
    })

    it('carries empty files, bytes, and odd names', async () => {
      for (const remote of ['empty', 'ünï cödé 名前.txt', 'new/folders/on/the/way', '-rf', 'a\nb']) {
        for (const data of [Buffer.alloc(0), Buffer.from([0, 255, 10])]) {
          assert.equal((await agent.upload(data, remote)).size, data.length)
          assert.deepEqual(readFileSync(there(remote)), data)
          const local = join(here, 'odd')
          assert.equal((await agent.download(remote, local)).sha256, sha256(data))
          assert.deepEqual(readFileSync(local), data)
        }
      }
    })

    it('keeps what makes a file executable, both ways', async () => {
      const local = join(here, 'tool.sh')
      writeFileSync(local, '#!/bin/sh\n')
      chmodSync(local, 0o755)
      await agent.upload(local, 'tool.sh')
      assert.equal(statSync(there('tool.sh')).mode & 0o777, 0o755)
      await agent.download('tool.sh', join(here, 'tool2.sh'))
      assert.equal(statSync(join(here, 'tool2.sh')).mode & 0o111, 0o111)
      await agent.upload(Buffer.from('x'), 'secret', {mode: 0o600})
      assert.equal(statSync(there('secret')).mode & 0o777, 0o600)
    })

    it('sends many small files at once', async () => {
      const names = Array.from({length: 200}, (_, i) => `many/${i % 7}/${i}.txt`)
      await Promise.all(names.map(each => agent.upload(Buffer.from(each), each)))
      const found = await agent.glob({patterns: ['many/**']})
      assert.equal(found.length, 200)
      for (const each of names) assert.equal(readFileSync(there(each), 'utf8'), each)
    })

    it('leaves nothing half done', async () => {
      await assert.rejects(agent.upload(join(here, 'missing'), 'x'), failsWith('FILE_NOT_FOUND'))
      await assert.rejects(agent.upload(here, 'x'), failsWith('NOT_A_FILE'))
      await assert.rejects(agent.upload(Buffer.from('x'), 'up'), failsWith('REMOTE_IS_DIRECTORY'))
      await assert.rejects(agent.upload(Buffer.from('x'), 'tool.sh/below'), failsWith('REMOTE_NOT_DIRECTORY'))
      await assert.rejects(agent.upload(Buffer.from('x'), '/dev/null'), failsWith('REMOTE_NOT_REGULAR'))
      await assert.rejects(agent.download('missing', join(here, 'x')), failsWith('REMOTE_NOT_FOUND'))
      await assert.rejects(agent.download('/dev/zero', join(here, 'x')), failsWith('REMOTE_NOT_REGULAR'))
      await assert.rejects(agent.download('up', join(here, 'x')), failsWith('REMOTE_IS_DIRECTORY'))
      await assert.rejects(agent.download('tool.sh', join(here, 'no', 'folder', 'x')), failsWith('CANNOT_WRITE'))
      const stop = new AbortController()
      const aborted = agent.upload(Buffer.alloc(40 << 20), 'aborted', {signal: stop.signal, onProgress: () => stop.abort(new Error('enough'))})
      await assert.rejects(aborted, /enough/)
      const halted = new AbortController()
      await assert.rejects(agent.download('up/big.bin', join(here, 'halted'), {signal: halted.signal, onProgress: () => halted.abort(new Error('enough'))}), /enough/)
      await agent.stat('up') // the abort was sent before this was asked
      assert.deepEqual(readdirSync(here).filter(each => each.includes('part') || each === 'halted'), [])
      assert.deepEqual(readdirSync(bed.jupyter.root).filter(each => each.includes('part') || each === 'aborted'), [])
    })

    it('notices a file that changes while it is sent or read', async () => {
      const local = join(here, 'shrinks')
      writeFileSync(local, Buffer.alloc(24 << 20))
      await assert.rejects(agent.upload(local, 'shrinks', {onProgress: () => writeFileSync(local, 'x')}), failsWith('FILE_CHANGED'))
      let changes = 0
      writeFileSync(there('changes'), Buffer.alloc(24 << 20))
      const changing = agent.download('changes', join(here, 'changing'), {onProgress: done => {
        if (done > 0) writeFileSync(there('changes'), Buffer.alloc((24 << 20) + ++changes))
      }})
      await assert.rejects(changing, failsWith('FILE_CHANGED'))
      assert.equal(readdirSync(here).some(each => each.startsWith('changing')), false)
    })

    it('describes, lists, makes folders and finds by pattern', async () => {
      await agent.mkdir('made/by/us')
      await agent.upload(Buffer.from('abc'), 'made/file.txt')
      symlinkSync('/etc/hostname', there('made/link'))
      const found = await agent.stat('made/file.txt', {hash: true})
      assert.deepEqual([found.type, found.size, found.sha256], ['file', 3, sha256(Buffer.from('abc'))])
      assert.deepEqual(await agent.stat('made/nothing'), {exists: false})
      assert.deepEqual((await agent.list('made')).map(each => `${each.name} ${each.type}`), ['by directory', 'file.txt file', 'link link'])
      assert.deepEqual((await agent.glob({patterns: ['*'], root: 'made'})).map(each => each.path), ['file.txt'])
      assert.deepEqual(await agent.glob({patterns: ['*'], root: 'made', since: Date.now() / 1000 + 60}), [])
      await assert.rejects(agent.glob({patterns: ['../*']}), failsWith('REMOTE_REFUSED'))
      await assert.rejects(agent.list('nowhere'), failsWith('REMOTE_NOT_FOUND'))
      const {cpus} = await agent.devices()
      assert.ok(cpus > 0)
    })
  })
}
