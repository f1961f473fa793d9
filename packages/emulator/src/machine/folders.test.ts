import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {ask, machineBed, type MachineBed, runCode, shell, socketOf} from '../../../../test/helpers/machine-bed.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import type {Machine} from '../contract.ts'

describe('an emulated machine without namespaces', () => {
  let bed: MachineBed
  let machine: Machine

  before(async () => {
    bed = await machineBed({namespaces: false})
    machine = await bed.start('gpu-folders', {variant: 'GPU', accelerator: 'L4'})
  })
  after(() => bed?.close())

  it('is a folder: the root of contents, with the folders that kernels work and live in', async () => {
    assert.deepEqual(bed.host.ground, {namespaces: false, why: 'switched off'})
    await ask(machine, '/api/contents/content/a.txt', {method: 'PUT', json: {type: 'file', format: 'text', content: 'here'}})
    const {text} = await runCode(machine, `import os; print(open('a.txt').read(), sorted(os.listdir('.')), os.getcwd() == os.environ['COLAB_EMULATOR_CONTENT'], os.environ['HOME'])`)
    assert.match(text, /^here \['a\.txt', 'sample_data'\] True .*\/machines\/gpu-folders-[0-9a-f]+\/root\n$/)
    assert.ok(!existsSync('/content') && !existsSync('/var/colab'))
  })

  it('has its GPU, its terminal and no SSH', async () => {
    assert.match(await shell(machine, 'nvidia-smi -L'), /^GPU 0: NVIDIA L4 /)
    assert.match(await (await ask(machine, '/api/colab/resources')).text(), /"memoryTotalBytes": 24152899584/)
    const {socket, heard} = await socketOf(machine, '/colab/tty')
    socket.send(JSON.stringify({data: 'echo tty-$((40 + 2)) $PWD\r'}))
    await until(() => /tty-42/.test(heard.join('')), () => heard.join(''))
    socket.close()
    await assert.rejects(socketOf(machine, '/colab/ssh'), /404/)
  })

  it('shows Drive below its content', async () => {
    const folder = join(bed.folder, 'drive')
    await mkdir(folder)
    await writeFile(join(folder, 'notes.txt'), 'from Drive')
    bed.drive.folder = folder
    const {text, error} = await runCode(machine, `
from google.colab import drive
drive.mount('/content/drive')
open('drive/MyDrive/new.txt', 'w').write(open('drive/MyDrive/notes.txt').read() + ', and back')
drive.flush_and_unmount()
`, {reply: () => ({})})
    assert.deepEqual([text, error], ['Mounted at /content/drive\n', undefined])
    assert.equal(await readFile(join(folder, 'new.txt'), 'utf8'), 'from Drive, and back')
  })
})

describe('an emulated machine of a user who is not root', () => {
  it('has namespaces where the system lets users make them, else is a folder; the host\'s files stay as they are', async () => {
    const program = fileURLToPath(new URL('../../../../test/helpers/machine-child.ts', import.meta.url))
    const node = [process.execPath, '--conditions=cgpu-source', '--disable-warning=ExperimentalWarning', program, 'namespaces']
    // root becomes a user as which nothing but its own files is root's
    const child = spawn('unshare', ['--user', '--map-user=1000', '--map-group=1000', ...node], {stdio: ['ignore', 'pipe', 'inherit']})
    try {
      const line = await new Promise<string>((resolve, reject) => {
        createInterface({input: child.stdout}).once('line', resolve)
        child.once('close', (code) => reject(new Error(`it ended with ${code}`)))
      })
      const {folder, ground, said} = JSON.parse(line) as {folder: string; ground: {namespaces: boolean; why: string}; said: string}
      if (ground.namespaces) assert.match(said, /^root\n\/content\nsample_data\n[0-9a-f]{12}$/)
      else assert.notEqual(ground.why, '')
      assert.ok(!existsSync('/etc/cgpu-test') && !existsSync('/content'))
      const closed = new Promise((resolve) => child.once('close', resolve))
      child.kill('SIGTERM')
      await closed
      assert.ok(!existsSync(folder), `${folder} is left`)
    } finally {
      child.kill('SIGKILL')
    }
  })
})
