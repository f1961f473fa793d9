import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {type OpenSession, type SessionBed, startSessionBed} from '../../../../test/helpers/session-bed.ts'
import {until} from '../../../../test/helpers/workbench.ts'
import {Attachment, type Beginning} from './attachment.ts'
import {Terminals} from './terminals.ts'

const size = {rows: 24, cols: 80}
const python = 'python3'

describe('a terminal, attached', function () {
  this.timeout(40_000)
  let bed: SessionBed
  let open: OpenSession
  before(async () => {
    bed = await startSessionBed()
  })
  beforeEach(async () => {
    open = await bed.session()
  })
  afterEach(() => bed.reset())
  after(() => bed.stop())

  /** One client of a new terminal, or of one that is there. */
  async function attach(argv: string[], name?: string, session = open.session) {
    const terminals = new Terminals(session)
    const {terminal, attached} = await terminals.open({argv, name, env: {}, term: 'xterm', size})
    const chunks: Uint8Array[] = []
    const begun: Beginning[] = []
    const attachment = new Attachment(session, terminal, {size, onBegin: (one) => void begun.push(one), onOutput: (data) => void chunks.push(Uint8Array.from(data))})
    const text = (): string => Buffer.concat(chunks).toString()
    const end = attachment.follow()
    end.catch(() => undefined)
    return {
      terminals, terminal, attached, attachment, end, begun, text,
      shows: (wanted: string) => until(() => text().includes(wanted), () => `${JSON.stringify(wanted)} in ${JSON.stringify(text().slice(-500))}`),
    }
  }

  it('loses and doubles nothing when the kernel that serves it is killed', async () => {
    const {attachment, shows, text, end} = await attach([python, '-uc', 'import tty; tty.setraw(0)\nfor i in range(20000): print(i, end=" ")\nprint("typed:", input())'])
    await shows(' 999 ')
    attachment.type(Buffer.from('before '))
    const [control] = (await bed.direct.listSessions()).filter(({path}) => path.includes('control'))
    await bed.direct.restartKernel(control?.kernel.id ?? '')
    attachment.type(Buffer.from('after\n'))
    assert.deepEqual(await end, {exitStatus: 0, signal: null, killed: false})
    assert.equal(text().trim(), `${Array.from({length: 20_000}, (_, i) => i).join(' ')} typed: before after`)
  })

  it('loses and doubles nothing over links that are cut', async () => {
    const line = 'x'.repeat(70)
    const {text, end} = await attach([python, '-uc', `import sys, tty; tty.setraw(0)\nfor i in range(12000): sys.stdout.write("%06d ${line}\\n" % i)`])
    for (let cut = 0; cut < 3; cut++) {
      const {bytes} = bed.chaos
      await until(() => bed.chaos.bytes > bytes + 150_000 || text().includes('011999'), () => `${bed.chaos.bytes} bytes passed`)
      bed.chaos.rstAll()
    }
    assert.equal((await end)?.exitStatus, 0)
    assert.deepEqual(text().split('\n').slice(0, -1), Array.from({length: 12_000}, (_, i) => `${String(i).padStart(6, '0')} ${line}`))
  })

  it('what is pasted arrives whole and once, also over a link that is cut', async () => {
    const code = 'import hashlib, os, tty; tty.setraw(0); print("on", flush=True)\nleft, digest = 400000, hashlib.sha256()\nwhile left: data = os.read(0, min(left, 4096)); digest.update(data); left -= len(data)\nprint(digest.hexdigest())'
    const {attachment, end, shows, text} = await attach([python, '-c', code])
    await shows('on')
    const pasted = Buffer.from(Array.from({length: 400_000}, (_, i) => (i * i) % 251))
    const {bytes} = bed.chaos
    attachment.type(pasted)
    await until(() => bed.chaos.bytes > bytes + 100_000, () => 'nothing is on its way')
    bed.chaos.rstAll()
    assert.equal((await end)?.exitStatus, 0)
    assert.ok(text().includes(createHash('sha256').update(pasted).digest('hex')), text())
  })

  it('a program goes on while nobody hears it, and what is not kept is counted', async () => {
    const go = join(bed.home.path, 'go')
    const code = `import os, sys, time, tty; tty.setraw(0)\nprint("on", flush=True)\nwhile not os.path.exists(${JSON.stringify(go)}): time.sleep(0.02)
sys.stdout.write("\\x1b[?1049h\\x1b[?2004h")\nfor i in range(7): sys.stdout.write(("%d" % i * 1023 + "\\n") * 1024)\nsys.stdout.write("\\x1b[?2004l"); open(${JSON.stringify(`${go}ne`)}, "w")\ninput()`
    const {attachment, begun, end, shows, text} = await attach([python, '-c', code])
    await shows('on')
    bed.chaos.refuse()
    bed.chaos.rstAll()
    await open.link('reconnecting')
    await writeFile(go, '')
    // held up for two seconds at most by a client that does not read
    await until(() => import('node:fs').then(({existsSync}) => existsSync(`${go}ne`)), () => 'the program is held up')
    bed.chaos.refuse(false)
    await shows('\x1b[?2004l')
    attachment.type(Buffer.from('\n'))
    await end
    const [, again] = begun
    assert.deepEqual(again?.modes, [1049, 2004])
    assert.ok((again?.missed ?? 0) > 2_000_000, `${again?.missed} missed`)
    assert.ok(text().includes(`${'6'.repeat(1023)}\n\x1b[?2004l`), text().slice(-2000))
  })

  it('one name is one terminal; whoever comes later sees what was there, and may end it', async () => {
    const first = await attach(['sh', '-c', 'echo here; exec cat'], 'same')
    await first.shows('here')
    const other = await bed.session()
    const second = await attach(['false'], 'same', other.session)
    assert.deepEqual([second.attached, second.terminal.id], [true, first.terminal.id])
    await second.shows('here')
    second.attachment.type(Buffer.from('both\n'))
    await first.shows('both\r\nboth\r\n')
    await first.attachment.detach()
    assert.equal(await first.end, undefined)
    assert.deepEqual((await second.terminals.list()).map(({name, clients}) => [name, clients]), [['same', 1]])
    await second.terminals.kill(second.terminal.id)
    assert.deepEqual(await second.end, {exitStatus: 129, signal: 'SIGHUP', killed: true})
    await assert.rejects(second.terminals.find('same'), {code: 'TERMINAL_NOT_FOUND', exit: 66})
  })
})
