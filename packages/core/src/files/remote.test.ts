import assert from 'node:assert/strict'
import {existsSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {type AgentBed, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import {AgentClient} from '../agent/client.ts'
import {RemoteFiles} from './remote.ts'

describe('files where they are', function () {
  this.timeout(60_000)
  let bed: AgentBed
  let agent: AgentClient
  let files: RemoteFiles
  const at = (...names: string[]): string => join(bed.jupyter.root, ...names)

  before(async () => {
    bed = await startAgentBed()
    agent = await AgentClient.open(await bed.kernel('python3'), {home: bed.home})
    files = new RemoteFiles(agent)
  })
  after(async () => {
    await agent.close()
    await bed.stop()
  })

  it('removes a link, not what it points to, and a folder only when it is empty or told so', async () => {
    mkdirSync(at('folder'))
    writeFileSync(at('folder', 'file'), 'x')
    symlinkSync('folder', at('link'))
    await files.remove('link')
    assert.ok(existsSync(at('folder', 'file')))
    await assert.rejects(files.remove('folder'), {code: 'REMOTE_NOT_EMPTY'})
    await files.remove('folder', {recursive: true})
    assert.equal(existsSync(at('folder')), false)
    await assert.rejects(files.remove('folder'), {code: 'REMOTE_NOT_FOUND'})
  })

  it('never removes the working folder or the root', async () => {
    for (const path of ['.', '/', bed.jupyter.root, `${bed.jupyter.root}/`]) {
      await assert.rejects(files.remove(path, {recursive: true}), {code: 'REMOTE_DENIED'}, path)
    }
    assert.ok(existsSync(bed.jupyter.root))
  })

  it('gives a kernel that was restarted its operations again', async () => {
    const connection = await bed.kernel('python3')
    const other = await AgentClient.open(connection, {home: bed.home})
    writeFileSync(at('one'), '')
    writeFileSync(at('two'), '')
    await new RemoteFiles(other).remove('one')
    await bed.server.restartKernel(connection.kernelId)
    await new RemoteFiles(other).remove('two')
    assert.equal(existsSync(at('two')), false)
    await other.close()
  })
})
