import assert from 'node:assert/strict'
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {JupyterError, JupyterServer, type ContentsModel, type PutContents} from '@cgpu/jupyter'
import fc from 'fast-check'
import {startJupyter, type TestJupyter} from '../../../../test/helpers/jupyter-server.ts'
import {ContentsSink} from './contents-sink.ts'
import {ContentsSource} from './contents-source.ts'
import {copy, type CopyRequest, type CopyResult} from './copy.ts'
import {LocalSource} from './local-source.ts'
import {contentsTarget, localTarget} from './targets.ts'

/** As servers without `/files` are. */
class NoFiles extends JupyterServer {
  override async readFileRange(path: string): Promise<Uint8Array> {
    throw new JupyterError('NOT_FOUND', `404 to files/${path}`, {status: 404})
  }
}

/** Loses the answer to the third piece of a file, once. */
class LostReceipt extends JupyterServer {
  lost = 0

  override async putContents(path: string, body: PutContents): Promise<ContentsModel> {
    const saved = await super.putContents(path, body)
    if ('chunk' in body && body.chunk === 3 && this.lost++ === 0) throw new JupyterError('NETWORK', 'cut')
    return saved
  }
}

function tree(folder: string, path = ''): Record<string, string> {
  return Object.fromEntries(readdirSync(folder, {withFileTypes: true}).filter(({name}) => !name.startsWith('.')).flatMap(one => {
    const [full, name] = [join(folder, one.name), path + one.name]
    return one.isDirectory() ? [[name, 'folder'], ...Object.entries(tree(full, `${name}/`))] : [[name, readFileSync(full, 'latin1')]]
  }))
}

describe('copies by the contents API', function () {
  this.timeout(60_000)
  let jupyter: TestJupyter
  let server: JupyterServer
  let here: string
  let count = 0

  before(async () => {
    jupyter = await startJupyter()
    server = new JupyterServer(jupyter)
    here = mkdtempSync(join(tmpdir(), 'cgpu-contents-'))
  })
  after(async () => {
    server.close()
    await jupyter.stop()
    rmSync(here, {recursive: true, force: true})
  })

  const there = (path: string): string => join(jupyter.root, path)
  const fresh = (): string => `c${++count}`
  const up = async (local: string, path: string, more: Partial<CopyRequest> = {}, by = server): Promise<CopyResult> =>
    copy({sources: [{source: new LocalSource(local), spelled: local}], target: await contentsTarget(by, {name: 'there', path}), ...more})
  const down = async (path: string, local: string, by = server): Promise<CopyResult> =>
    copy({sources: [{source: new ContentsSource(by, {name: 'there', path}), spelled: path}], target: localTarget(local)})

  it('of random trees are equal at the other end, there and back', async () => {
    const name = fc.string({unit: 'grapheme', minLength: 1, maxLength: 20}).map(text => text.replaceAll(/[/\0]/g, '_')).filter(text => !/^\.|^cgpu-|\p{Surrogate}/u.test(text) && Buffer.byteLength(text) < 200 && text.trim() === text)
    const files = fc.dictionary(fc.array(name, {minLength: 1, maxLength: 3}).map(parts => parts.join('/')), fc.uint8Array({maxLength: 5000}), {maxKeys: 6})
    await fc.assert(fc.asyncProperty(files, async given => {
      const [src, to] = [join(here, fresh()), fresh()]
      mkdirSync(src)
      for (const [path, data] of Object.entries(given)) {
        try {
          mkdirSync(dirname(join(src, path)), {recursive: true})
          writeFileSync(join(src, path), data)
        } catch {
          // a file is where a folder would be
        }
      }
      await up(`${src}/`, `${to}/deep/er`)
      assert.deepEqual(tree(there(`${to}/deep/er`)), tree(src))
      await down(`${to}/deep/er/`, join(here, to))
      assert.deepEqual(tree(join(here, to)), tree(src))
    }), {numRuns: 12, seed: 5})
  })

  it('carry large files in pieces, and take the place of what is there only whole', async () => {
    const [src, name] = [join(here, 'large'), fresh()]
    const data = Buffer.alloc(11_000_000, 'of eleven megabytes ')
    data.fill(0, 3_000_000, 9_000_000)
    writeFileSync(src, data)
    writeFileSync(there(name), 'old')
    const lossy = new LostReceipt(jupyter)
    await up(src, name, {}, lossy)
    lossy.close()
    assert.equal(lossy.lost, 2, 'begun anew')
    assert.ok(readFileSync(there(name)).equals(data))
    assert.deepEqual(readdirSync(jupyter.root).filter(one => one.endsWith('.part')), [])
    const bare = new NoFiles(jupyter)
    for (const by of [server, bare]) {
      const back = join(here, fresh())
      await down(name, back, by)
      assert.ok(readFileSync(back).equals(data))
    }
    bare.close()
    // what came damaged is not put in place
    const writer = await new ContentsSink(server, {name: 'there', path: '', exists: true}).begin(name, {size: 3, mtime: undefined, mode: undefined, key: undefined})
    await writer.write(0, [[0, 3]], Buffer.from('new'))
    await assert.rejects(writer.finish('0'.repeat(64)), {code: 'FILE_DAMAGED'})
    await writer.drop(false)
    assert.ok(readFileSync(there(name)).equals(data))
    assert.deepEqual(readdirSync(jupyter.root).filter(one => one.endsWith('.part')), [])
  })

  it('say what the API cannot do, and copy the rest', async () => {
    const [src, name] = [join(here, 'odd'), fresh()]
    mkdirSync(join(src, 'sub'), {recursive: true})
    for (const file of ['plain', '.hidden', 'sub/empty']) writeFileSync(join(src, file), file === 'sub/empty' ? '' : file)
    symlinkSync('plain', join(src, 'link'))
    const warnings: string[] = []
    await assert.rejects(up(src, name, {onWarning: message => void warnings.push(message)}), {code: 'COPY_INCOMPLETE'})
    assert.match(warnings.join('\n'), /hidden/)
    assert.match(warnings.join('\n'), /link is a link, and without a Python kernel/)
    assert.equal(readFileSync(there(`${name}/odd/plain`), 'utf8'), 'plain')
    assert.equal(statSync(there(`${name}/odd/sub/empty`)).size, 0)
    await assert.rejects(up(join(src, 'plain'), `${name}/odd/sub/`).then(() => up(src, `${name}/odd/plain`)), {code: 'NOT_A_FOLDER'})
    for (const path of ['/etc/passwd', '../x', 'a/../../x']) {
      assert.throws(() => new ContentsSource(server, {name: 'there', path}), {code: 'PATH_OUTSIDE', exit: 64})
      await assert.rejects(up(join(src, 'plain'), path), {code: 'PATH_OUTSIDE', exit: 64})
    }
    await assert.rejects(down('no/such', join(here, 'never')), {code: 'FILE_NOT_FOUND', exit: 66})
    await assert.rejects(down('*.txt', join(here, 'never')), {code: 'FILE_NOT_FOUND', exit: 66})
    assert.ok(!existsSync(join(here, 'never')))
  })

  it('refuse names that a hostile server tells, before anything is written', async () => {
    class Hostile extends JupyterServer {
      override async getContents(path: string, options: Parameters<JupyterServer['getContents']>[1] = {}): Promise<ContentsModel> {
        const model = await super.getContents(path, options)
        return Array.isArray(model.content) ? {...model, content: [{name: '../evil', path: 'x', type: 'file', size: 1}]} : model
      }
    }
    const [name, hostile] = [fresh(), new Hostile(jupyter)]
    mkdirSync(there(name))
    await assert.rejects(down(name, join(here, 'hostile'), hostile), {code: 'UNSAFE_NAME', exit: 65})
    assert.ok(!existsSync(join(here, 'evil')))
    hostile.close()
  })
})
