import assert from 'node:assert/strict'
import {randomBytes} from 'node:crypto'
import {type ColabBench, colabBench} from '../helpers/colab-bench.ts'
import {startFileSite} from '../helpers/file-site.ts'

describe('files on a machine of an emulated Colab', function () {
  this.timeout(60_000)
  let bench: ColabBench
  before(async () => {
    bench = await colabBench()
    await bench.data(['runtime', 'create', '--cpu', '--name', 'box'])
  })
  after(() => bench.remove())
  const ok = async (...args: string[]): Promise<string> => {
    const {status, stdout, stderr} = await bench.cli(args, {env: {EDITOR: 'sed -i s/one/two/'}})
    assert.equal(status, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }

  it('are listed, read, edited and fetched there', async () => {
    const site = await startFileSite(randomBytes(100_000))
    bench.onRemove(() => site.close())
    await bench.file('note.txt', 'one\n')
    await ok('cp', 'note.txt', 'box:/content/note.txt')
    await ok('fs', 'edit', 'box:note.txt')
    assert.equal(await ok('fs', 'cat', 'box:/content/note.txt'), 'two\n')
    const {to, size} = await bench.data<{to: string; size: number}>(['cp', `${site.url}/data.bin`, 'box:data/'])
    assert.deepEqual([to.replace(/.*\/content/, '/content'), size], ['/content/data/data.bin', 100_000])
    assert.equal(await ok('fs', 'find', 'box:data', '--type', 'f'), 'data/data.bin\n')
    await ok('fs', 'rm', '-r', 'box:data')
    assert.equal((await bench.cli(['fs', 'ls', 'box:data'])).status, 66)
  })
})
