import assert from 'node:assert/strict'
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type HookRecorder, hookRecorder, type TestHome, testHome} from '@cgpu/plugin-sdk/testing'
import {cgpuBin} from '../helpers/cli.ts'
import {testPython} from '../helpers/jupyter-server.ts'

const work = `
import {cgpu, CgpuCommand} from '@cgpu/plugin-sdk'
import {Progress, table} from '@cgpu/plugin-sdk/render'
export default class Work extends CgpuCommand {
  async run() {
    const progress = new Progress({quiet: this.quiet || this.jsonEnabled()})
    progress.show({message: 'working'})
    const [one] = await cgpu.runtimes.list()
    const added = await cgpu.exec('40 + 2', {runtime: one.name})
    const ran = await cgpu.run(['sh', '-c', 'echo $WHO; exit 3'], {env: ['WHO=me'], runtime: one.name})
    const missing = await cgpu.runtimes.show('nobody').catch(({code, exit, fix}) => ({code, exit, fix: typeof fix}))
    progress.done()
    this.log(table(['name', 'value'], [['provider', String(await cgpu.settings.get('provider'))]]))
    return {added: added.displays[0]?.data['text/plain'], ran: [ran.exitStatus, ran.stdout], missing}
  }
}`

describe('what plugins do by cgpu', () => {
  let home: TestHome
  let recorder: HookRecorder
  before(async () => {
    home = await testHome({program: [process.execPath, '--', cgpuBin]})
    home.env['CGPU_PYTHON'] = testPython
    recorder = await hookRecorder(home)
    const root = join(home.path, 'worker')
    await mkdir(join(root, 'commands'), {recursive: true})
    await writeFile(join(root, 'commands', 'work.js'), work)
    await writeFile(join(root, 'nest.js'), `import {cgpu} from '@cgpu/plugin-sdk'
export default async ({request}) => { if (request.code === 'nest = 1') await cgpu.exec('nest = 1') }\n`)
    await writeFile(join(root, 'package.json'), JSON.stringify({name: 'cgpu-worker', version: '1.0.0', type: 'module', oclif: {commands: './commands', hooks: {'execution:before': './nest.js'}}, cgpu: {contract: 1}}))
    await home.link(root)
    await home.runtime({name: 'there'})
  })
  after(() => home.remove())

  it('is done as if it were typed', async () => {
    await recorder.take()
    const answer = await home.json<Record<string, unknown>>(['work'])
    assert.ok(answer.ok, JSON.stringify(answer))
    assert.deepEqual(answer.data, {
      added: '42', ran: [3, 'me\n'], missing: {code: 'NOT_FOUND', exit: 66, fix: 'string'},
    })
    const told = (await recorder.take()).filter(({event}) => event === 'execution:after')
    assert.equal(told.length, 2, 'plugins are asked of it')
  })

  it('ends where a hook would execute without end', async () => {
    await recorder.take()
    const {status} = await home.cgpu(['exec', 'nest = 1'])
    assert.equal(status, 0)
    const asked = (await recorder.take()).filter(({event}) => event === 'execution:before')
    assert.equal(asked.length, 2, 'of what was typed, and of what its hook did; the next one is refused')
  })
})
