import assert from 'node:assert/strict'
import {colabRequest} from '../../../test/helpers/colab-request.ts'
import {startJupyter} from '../../../test/helpers/jupyter-server.ts'
import type {TestJupyter} from '../../../test/helpers/jupyter-server.ts'
import type {Message} from './contract.ts'
import {JupyterServer} from './index.ts'
import type {KernelConnection} from './index.ts'

for (const kernelName of ['python3', 'colab']) {
  describe(`messages that Jupyter does not define, ${kernelName}`, () => {
    let jupyter: TestJupyter
    let server: JupyterServer
    let kernel: KernelConnection

    /** Runs a cell that asks, and answers; what it printed. */
    const answered = async (code: string, answer: (message: Message) => unknown): Promise<string> => {
      const printed: unknown[] = []
      const {status} = await kernel.execute(code, {
        onOutput: message => void printed.push(message.content['text'] ?? ''),
        onCustom: message => void kernel.replyInput(answer(message)),
      })
      assert.equal(status, 'ok')
      return printed.join('')
    }
    const reply = (message: Message): unknown => ({type: 'colab_reply', colab_msg_id: message.metadata['colab_msg_id'], data: message.content['request']})

    before(async () => {
      jupyter = await startJupyter()
      server = new JupyterServer({url: jupyter.url, token: jupyter.token})
      kernel = await server.openKernel((await server.startKernel({name: kernelName})).id)
    })
    after(async () => {
      await kernel?.close()
      server?.close()
      await jupyter?.stop()
    })

    it('are handed over with their metadata, and answered through stdin with any JSON', async () => {
      const printed = await answered(colabRequest('GetSecret', {key: 'A'}, {id: 7}), reply)
      assert.equal(printed, '{"colab_msg_id": 7, "data": {"key": "A"}, "type": "colab_reply"}\n')
    })

    it('are handed over without a parent, too', async () => {
      const printed = await answered(colabRequest('GetSecret', {key: 'B'}, {parent: 'None', id: 8}), reply)
      assert.equal(printed, '{"colab_msg_id": 8, "data": {"key": "B"}, "type": "colab_reply"}\n')
    })

    it('of other executions are not handed over', async () => {
      let handed = 0
      const strange = `{'header': {'msg_id': 'somebody-else', 'msg_type': 'execute_request'}, 'msg_id': 'somebody-else', 'msg_type': 'execute_request'}`
      const printed = await answered(colabRequest('GetSecret', {}, {parent: strange, seconds: 0.5}), () => ++handed)
      assert.deepEqual([printed, handed], ['timeout\n', 0])
    })

    it('without a parent are not handed to an execution that waits behind another client\'s', async () => {
      const other = await server.openKernel(kernel.kernelId)
      const handed: unknown[] = []
      const asking = Promise.withResolvers<void>()
      const theirs = other.execute(colabRequest('GetSecret', {key: 'theirs'}, {parent: 'None', seconds: 1}), {onCustom: () => asking.resolve()})
      await asking.promise
      const behind = kernel.execute(colabRequest('GetSecret', {key: 'ours'}, {parent: 'None', seconds: 0.2}), {onCustom: message => void handed.push(message.content['request'])})
      await theirs
      await behind
      assert.deepEqual(handed, [{key: 'ours'}])
      await other.close()
    })

    it('do not disturb a later question of the code', async () => {
      await kernel.replyInput({type: 'colab_reply', colab_msg_id: 99})
      const printed: unknown[] = []
      await kernel.execute('print(input("? "))', {onInput: async () => 'typed', onOutput: message => void printed.push(message.content['text'] ?? '')})
      assert.equal(printed.join(''), 'typed\n')
    })
  })
}
