import assert from 'node:assert/strict'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {machineBed, type MachineBed, type Ran, runCode, type RunOptions} from '../../../../test/helpers/machine-bed.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import type {Machine} from '../contract.ts'

for (const kernelName of ['python3', 'colab']) {
  describe(`google.colab on an emulated machine, kernel ${kernelName}`, () => {
    let bed: MachineBed
    let machine: Machine
    let folder: string
    const run = (code: string, reply?: RunOptions['reply']): Promise<Ran> => runCode(machine, code, {kernelName, ...(reply ? {reply} : {})})

    before(async () => {
      const visible: string[] = []
      bed = await machineBed({visible})
      folder = join(bed.folder, 'my-drive')
      await mkdir(folder)
      visible.push(folder)
      await writeFile(join(folder, 'notes.txt'), 'from Drive')
      machine = await bed.start('cpu-library')
    })
    after(() => bed?.close())

    it('gives secrets, and tells why there is none', async () => {
      const answers: Record<string, object> = {
        KEY: {exists: true, access: true, payload: 'sesame'}, SHUT: {exists: true, access: false, payload: ''}, NONE: {exists: false, access: false},
      }
      const code = (key: string): string => `from google.colab import userdata\nprint('asking', end=' ')\nprint(userdata.get(${JSON.stringify(key)}))`
      const ask = (key: string): Promise<Ran> => run(code(key), (type, request) => ({data: type === 'GetSecret' ? answers[(request as {key: string}).key] : null}))
      assert.equal((await ask('KEY')).text, 'asking sesame\n')
      assert.match((await ask('SHUT')).error ?? '', /^NotebookAccessError: .*SHUT/)
      assert.match((await ask('NONE')).error ?? '', /^SecretNotFoundError: .*NONE/)
      const slow = await run(`from google.colab import userdata\nuserdata.TIMEOUT_S = 0.2\nuserdata.get('KEY')`)
      assert.match(slow.error ?? '', /^TimeoutException: .*KEY/)
    })

    it('mounts Drive with consent only, both ways, and again when told to', async () => {
      const asked: unknown[] = []
      const mount = (words = ''): Promise<Ran> => run(`from google.colab import drive\ndrive.mount('/content/drive'${words})`, (type, request) => {
        asked.push([type, request])
        return {}
      })
      assert.match((await mount()).error ?? '', /^ValueError: mount failed: credentials were not propagated/)
      bed.drive.folder = folder
      assert.equal((await mount()).text, 'Mounted at /content/drive\n')
      assert.deepEqual(asked[1], ['request_auth', {authType: 'dfs_ephemeral'}])
      assert.equal((await run(`print(open('/content/drive/MyDrive/notes.txt').read())\nopen('/content/drive/MyDrive/new.txt', 'w').write('from the machine')`)).text, 'from Drive\n')
      assert.equal(await readFile(join(folder, 'new.txt'), 'utf8'), 'from the machine')
      assert.equal((await run(`from google.colab import drive\ndrive.mount('/root/more')\nimport os; print(os.listdir('/root/more/MyDrive') != [])`, () => ({}))).text, 'Mounted at /root/more\nTrue\n')
      assert.match((await mount()).text, /^Drive already mounted at \/content\/drive; .*force_remount=True/)
      assert.equal((await mount(', force_remount=True')).text, 'Mounted at /content/drive\n')
      assert.equal((await run(`from google.colab import drive\ndrive.flush_and_unmount()\nimport os; print(os.listdir('/content/drive'), os.listdir('/root/more'))`)).text, '[] []\n')
      assert.equal(await readFile(join(folder, 'notes.txt'), 'utf8'), 'from Drive')
      bed.drive.folder = null
    })

    it('refuses mountpoints that cannot be, and consent that was refused', async () => {
      const mount = (place: string, reply: RunOptions['reply'] = () => ({}), limitMs = 20_000): Promise<Ran> => run(`from google.colab import drive\ndrive.mount(${JSON.stringify(place)}, timeout_ms=${limitMs})`, reply)
      assert.match((await mount('/content/a b')).error ?? '', /^ValueError: Mountpoint must not contain a space/)
      assert.match((await mount('/content/sample_data')).error ?? '', /^ValueError: Mountpoint must not already contain files/)
      assert.match((await mount('/content/drive', () => ({error: 'access denied'}))).error ?? '', /^MessageError: access denied/)
      assert.match((await mount('/content/drive', () => undefined, 1000)).error ?? '', /^ValueError: mount failed/)
    })

    it('asks to authorise', async () => {
      const code = `from google.colab import auth\nauth.authenticate_user()\nprint('done')`
      const asked: unknown[] = []
      const done = await run(code, (type, request) => {
        asked.push([type, request])
        return {}
      })
      assert.equal(done.text, 'done\n')
      assert.deepEqual(asked, [['request_auth', {authType: 'auth_user_ephemeral'}]])
      assert.match((await run(code, () => ({error: 'no'}))).error ?? '', /^AuthorizationError: no/)
    })

    it('has scripts run in the browser: results, uploads, downloads', async () => {
      const asked: string[] = []
      const upload = [{action: 'append', file: 'up.txt', data: Buffer.from('one ').toString('base64')}, {action: 'append', file: 'up.txt', data: Buffer.from('two').toString('base64')}, {action: 'complete'}]
      const {text, others, error} = await run(
        `from google.colab import files, output
print(output.eval_js('1 + 1'))
print(files.upload(), open('up.txt').read())
files.download('up.txt')
output.clear()
files.download('missing')`,
        (_, request) => {
          const {script} = request as {script: string}
          asked.push(script)
          return {data: script === '1 + 1' ? 2 : upload.shift()}
        },
      )
      assert.equal(text, `2\nSaving up.txt to up.txt\n{'up.txt': b'one two'} one two\n`)
      assert.match(asked[1] ?? '', /^google\.colab\._files\._uploadFiles\("/)
      assert.match(others.join('\n'), /google\.colab\._files\.download\(\\"[0-9a-f]{32}\\", \\"up\.txt\\", 7\)[^]*clear_output/)
      assert.match(error ?? '', /^FileNotFoundError: /)
    })

    it('drops what is no reply to it, and does not disturb input()', async () => {
      const replies: {data?: unknown}[] = []
      const {text} = await run(`from google.colab import output\nprint(output.eval_js('a'), output.eval_js('b'))`, (_, request) => {
        replies.push({data: (request as {script: string}).script})
        return replies.at(-1)
      })
      assert.equal(text, 'a b\n')
    })

    it('gives the machine back', async () => {
      bed.unassigned.length = 0
      assert.equal((await run('from google.colab import runtime\nruntime.unassign()')).error, undefined)
      await until(() => bed.unassigned.includes('cpu-library'), () => 'nobody was told')
    })
  })
}
