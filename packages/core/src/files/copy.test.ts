import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {
  chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync, openSync, writeSync, closeSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import fc from 'fast-check'
import {type AgentBed, startAgentBed} from '../../../../test/helpers/agent-bed.ts'
import {AgentClient} from '../agent/client.ts'
import {copy, type CopyRequest, type CopyResult} from './copy.ts'
import {frame} from './frame.ts'
import {LocalSource} from './local-source.ts'
import {nameOf} from './names.ts'
import {RemoteSource} from './remote-source.ts'
import {localTarget, remoteTarget} from './targets.ts'

/** What an entry is, and its time in milliseconds. */
type Found = [what: string, time: number]

/** What is below a folder: modes, times, content and links, by names that may be no UTF-8. */
function tree(folder: string | Buffer, path = ''): Record<string, Found> {
  const found: Record<string, Found> = {}
  for (const bytes of readdirSync(folder, {encoding: 'buffer'})) {
    const full = Buffer.concat([Buffer.from(folder), Buffer.from('/'), bytes])
    const name = path + nameOf(bytes)
    const info = lstatSync(full)
    if (info.isSymbolicLink()) found[name] = [`-> ${readlinkSync(full)}`, 0]
    else {
      const content = info.isFile() ? createHash('sha256').update(readFileSync(full)).digest('hex') : 'folder'
      found[name] = [`${(info.mode & 0o777).toString(8)} ${content}`, info.mtimeMs]
      if (info.isDirectory()) Object.assign(found, tree(full, `${name}/`))
    }
  }
  return found
}

/** The same entries. Times are carried in microseconds and each end rounds them, so that no unit that is rounded to here would be equal always. */
function same(copied: Record<string, Found>, given: Record<string, Found>, message?: string): void {
  const near = (name: string, time: number): number => Math.abs(time - (given[name]?.[1] ?? Infinity)) < 0.01 ? given[name]![1] : time
  assert.deepEqual(Object.fromEntries(Object.entries(copied).map(([name, [what, time]]) => [name, [what, near(name, time)]])), given, message)
}

describe('copies of folders', function () {
  this.timeout(60_000)
  let bed: AgentBed
  let agent: AgentClient
  let here: string
  let count = 0

  before(async () => {
    bed = await startAgentBed()
    here = mkdtempSync(join(tmpdir(), 'cgpu-copy-'))
    agent = await AgentClient.open(await bed.kernel('python3'), {home: bed.home})
  })
  after(async () => {
    await agent.close()
    await bed.stop()
    rmSync(here, {recursive: true, force: true})
  })

  const there = (path: string): string => join(bed.jupyter.root, path)
  const fresh = (): string => `t${++count}`
  const up = async (local: string, remote: string, more: Partial<CopyRequest> = {}, through = agent): Promise<CopyResult> =>
    copy({sources: [{source: new LocalSource(local), spelled: local}], target: await remoteTarget(through, {name: 'there', path: remote, signal: more.signal}), ...more})
  const down = async (remote: string, local: string, more: Partial<CopyRequest> = {}, through = agent): Promise<CopyResult> =>
    copy({sources: [{source: new RemoteSource(through, {name: 'there', path: remote, signal: more.signal}), spelled: remote}], target: localTarget(local), ...more})

  it('keep contents, modes, times, links and odd names, both ways and between machines', async () => {
    const [src, name] = [join(here, 'src'), fresh()]
    mkdirSync(join(src, 'a/b'), {recursive: true})
    mkdirSync(join(src, 'empty'))
    for (const each of ['a/b/f', 'ünï 名前', 'new\nline', '-rf', 'back\\slash', 'con', 'x'.repeat(255), '\x1b[31m']) writeFileSync(join(src, each), each)
    writeFileSync(Buffer.concat([Buffer.from(`${src}/bad`), Buffer.of(0xff, 0xfe)]), 'no UTF-8')
    writeFileSync(join(src, 'big'), Buffer.alloc(3_000_000, 'abc'))
    writeFileSync(join(src, 'nothing'), '')
    symlinkSync('b/f', join(src, 'a/link'))
    symlinkSync('nowhere', join(src, 'dangling'))
    for (const [path, mode] of [['a/b/f', 0o640], ['big', 0o755], ['con', 0o400], ['empty', 0o555], ['a', 0o700]] as const) {
      chmodSync(join(src, path), mode)
      utimesSync(join(src, path), 1_000_000_000, 1_234_567_890.123)
    }
    const want = tree(src)
    await up(`${src}/`, name)
    same(tree(there(name)), want)
    await down(`${name}/`, join(here, 'back'))
    same(tree(join(here, 'back')), want)
    const other = fresh()
    await copy({sources: [{source: new RemoteSource(agent, {name: 'there', path: name}), spelled: `${name}/`}], target: await remoteTarget(agent, {name: 'there', path: other})})
    same(tree(there(other)), want)
    const again = await up(`${src}/`, name)
    assert.deepEqual([again.files, again.same], [0, 11])
  })

  it('leave out links that lead out, sockets and pipes, with a word', async () => {
    const [src, name] = [join(here, 'odd'), fresh()]
    mkdirSync(src)
    symlinkSync('/etc/hostname', join(src, 'out'))
    mkdirSync(join(here, 'beside'))
    writeFileSync(join(here, 'beside/f'), 'y')
    symlinkSync('../beside', join(src, 'up'))
    writeFileSync(join(src, 'f'), 'x')
    const told: string[] = []
    const {left, files} = await up(src, name, {onWarning: message => void told.push(message)})
    assert.deepEqual([left, files, told.length], [2, 1, 2])
    assert.match(told.join(), /--follow/)
    await copy({sources: [{source: new LocalSource(src, {follow: true}), spelled: src}], target: await remoteTarget(agent, {name: 'there', path: name})})
    assert.equal(readFileSync(there(`${name}/odd/out`), 'utf8'), readFileSync('/etc/hostname', 'utf8'))
    assert.equal(readFileSync(there(`${name}/odd/up/f`), 'utf8'), 'y')
  })

  it('never write through a link that leads out of the target', async () => {
    const [src, name] = [join(here, 'through'), fresh()]
    mkdirSync(join(src, 'd'), {recursive: true})
    writeFileSync(join(src, 'd/f'), 'x')
    for (const folder of [there(name), join(here, name)]) {
      mkdirSync(folder)
      mkdirSync(`${folder}-outside`)
      symlinkSync(`${folder}-outside`, join(folder, 'd'))
    }
    await assert.rejects(up(`${src}/`, name), {code: 'COPY_INCOMPLETE'})
    const other = fresh()
    await up(`${src}/`, other)
    await assert.rejects(down(`${other}/`, join(here, name)), {code: 'COPY_INCOMPLETE'})
    for (const folder of [there(name), join(here, name)]) assert.deepEqual(readdirSync(`${folder}-outside`), [])
  })

  it('of random trees are equal at the other end', async function () {
    const part = fc.oneof(
      fc.string({unit: 'binary', minLength: 1, maxLength: 20}), fc.constantFrom('..a', ' ', 'aux', '\u202e', '*', '[a]', 'ä'.repeat(127)),
    ).filter(name => name.isWellFormed() && !/[/\0]/.test(name) && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 255)
    const files = fc.uniqueArray(fc.tuple(fc.array(part, {minLength: 1, maxLength: 4}), fc.uint8Array({maxLength: 50})), {maxLength: 12, selector: ([path]) => path.join('/')})
    await fc.assert(fc.asyncProperty(files, async given => {
      const name = fresh()
      const [src, back] = [join(here, `${name}-src`), join(here, `${name}-back`)]
      mkdirSync(src)
      for (const [path, data] of given) {
        try {
          mkdirSync(join(src, ...path.slice(0, -1)), {recursive: true})
          writeFileSync(`${src}/${path.join('/')}`, data)
        } catch {
          // a folder is where a file is
        }
      }
      await up(`${src}/`, name)
      await down(`${name}/`, back)
      same(tree(back), tree(src))
      // a smaller one is looked for by copying on and on: what was found is told instead
    }), {numRuns: 15, endOnFailure: true})
  })

  it('take the longest paths', async () => {
    const [src, name] = [join(here, 'long'), fresh()]
    const deep = Array.from({length: 15}, () => 'd'.repeat(250)).join('/')
    mkdirSync(join(src, deep), {recursive: true})
    writeFileSync(join(src, deep, 'f'), 'x')
    await up(`${src}/`, name)
    assert.equal(readFileSync(there(`${name}/${deep}/f`), 'utf8'), 'x')
  })

  it('refuse names that a hostile machine tells, before anything is written', async () => {
    const rows = (path: string, kind = 'f'): unknown[] => [path, kind, 1, 0, 0o644, 0]
    const lies: unknown[][][] = [
      [rows('../x')], [rows('/etc/passwd')], [rows('a/../../x')], [rows('a\0b')], [rows('a//b')], [rows('.')], [rows('l', 'l'), rows('l/x')], [rows('f'), rows('f/x')], [rows('d', 'd'), rows('d', 'd')], [rows('\ud800')],
    ]
    for (const entries of lies) {
      // the agent is ours: only one that somebody changed would tell such things
      const part = {
        request: async () => ({data: {pattern: false}, buffers: [frame({roots: [['/x', 'd', 0, 0, 0o755, 0]]})]}),
        stream: async () => ({answer: Promise.resolve({data: {at: 0}, buffers: [frame({entries})]}), credit: () => undefined, cancel: () => undefined}),
      }
      const source = new RemoteSource({part: () => part} as unknown as AgentClient, {name: 'liar', path: 'x'}) // what it uses of it
      const target = join(here, fresh())
      await assert.rejects(copy({sources: [{source, spelled: 'x/'}], target: localTarget(target)}), {code: 'UNSAFE_NAME'}, JSON.stringify(entries))
      assert.equal(existsSync(target), false)
    }
  })

  it('do not send holes, and keep them', async function () {
    this.timeout(120_000)
    const [sparse, name] = [join(here, 'sparse'), fresh()]
    const size = 5_000_000_000 // every zero is hashed at both ends
    const fd = openSync(sparse, 'w')
    for (const at of [0, 2_500_000_001, size - 5]) writeSync(fd, Buffer.from('data!'), 0, 5, at)
    closeSync(fd)
    const before = process.memoryUsage().rss
    await up(sparse, name)
    assert.equal(statSync(there(name)).size, size)
    assert.ok(statSync(there(name)).blocks * 512 < 10_000_000)
    truncateSync(there(name), 1_000_000_000) // as much again would be hashed at both ends to prove the same
    const back = join(here, 'sparse-back')
    await down(name, back)
    assert.equal(statSync(back).size, 1_000_000_000)
    assert.ok(statSync(back).blocks * 512 < 20_000_000)
    assert.ok(process.memoryUsage().rss - before < 150e6)
    rmSync(there(name))
  })

  it('go on after cuts at any byte', async () => {
    const [src, name] = [join(here, 'cut'), fresh()]
    mkdirSync(src)
    for (let i = 0; i < 300; i++) writeFileSync(join(src, `f${i}`), `${i} `.repeat(i * 10))
    writeFileSync(join(src, 'big'), Buffer.alloc(12_000_000, 'cgpu'))
    const proxy = await bed.proxy()
    const through = await AgentClient.open(await bed.kernel('python3', {proxy}), {home: bed.home})
    await fc.assert(fc.asyncProperty(fc.integer({min: 0, max: 12_000_000}), fc.boolean(), async (bytes, upward) => {
      const target = `${name}-${fresh()}`
      if (!upward) await up(`${src}/`, target)
      proxy.cutAfter = proxy.bytes + bytes
      const copying = upward ? up(`${src}/`, target, {}, through) : down(`${target}/`, join(here, target), {}, through)
      const cut = setInterval(() => {
        if (proxy.bytes > proxy.cutAfter) proxy.cutAfter = Infinity
      }, 5)
      await copying.finally(() => clearInterval(cut))
      proxy.cutAfter = Infinity
      same(tree(upward ? there(target) : join(here, target)), tree(src))
    }), {numRuns: 6, endOnFailure: true})
    await through.close()
  })

  it('go on after cuts at the first and the last bytes: while they list, and while they finish', async () => {
    const [src, name] = [join(here, 'edges'), fresh()]
    mkdirSync(join(src, 'sub'), {recursive: true})
    for (let i = 0; i < 30; i++) writeFileSync(join(src, i % 2 ? `f${i}` : `sub/f${i}`), `${i} `.repeat(i * 10))
    writeFileSync(join(src, 'big'), Buffer.alloc(2_500_000, 'cgpu')) // goes in pieces, and is put in place in the end
    const proxy = await bed.proxy()
    const through = await AgentClient.open(await bed.kernel('python3', {proxy}), {home: bed.home})
    await up(`${src}/`, `${name}-there`)
    for (const upward of [true, false]) {
      const once = async (target: string): Promise<unknown> => (upward ? up(`${src}/`, target, {}, through) : down(`${name}-there/`, join(here, target), {}, through))
      const before = proxy.bytes
      await once(fresh())
      const all = proxy.bytes - before
      for (const bytes of [0, 600, 4_000, all - 4_000, all - 1_000, all - 300, all - 1]) {
        const target = fresh()
        proxy.cutAfter = proxy.bytes + bytes
        const cut = setInterval(() => {
          if (proxy.bytes > proxy.cutAfter) proxy.cutAfter = Infinity
        }, 5)
        await once(target).finally(() => clearInterval(cut))
        proxy.cutAfter = Infinity
        same(tree(upward ? there(target) : join(here, target)), tree(src), `${upward ? 'up' : 'down'}, cut at ${bytes} of ${all}`)
        assert.deepEqual(readdirSync(upward ? bed.jupyter.root : here).filter((one) => one.endsWith('.part')), [])
      }
    }
    await through.close()
  })

  it('send what is missing after a copy that was broken off, of a large file too', async () => {
    for (const way of ['up', 'down', 'across'] as const) {
      const [name, src] = [fresh(), join(here, fresh())]
      writeFileSync(src, Buffer.alloc(24_000_000, name))
      if (way !== 'up') await up(src, `${name}-there`)
      const stop = new AbortController()
      let last = 0
      const onProgress = ({bytes}: {bytes: number}): void => {
        last = bytes
        if (bytes > 8_000_000) stop.abort(new Error('enough'))
      }
      const ways = {
        up: async more => up(src, name, more),
        down: async more => down(`${name}-there`, join(here, name), more),
        across: async more => copy({sources: [{source: new RemoteSource(agent, {name: 'there', path: `${name}-there`}), spelled: name}], target: await remoteTarget(agent, {name: 'there', path: name}), ...more}),
      } satisfies Record<string, (more: Partial<CopyRequest>) => Promise<CopyResult>>
      const once = ways[way]
      const folder = way === 'down' ? here : bed.jupyter.root
      const parts = (): string[] => readdirSync(folder).filter(each => each.endsWith('.part'))
      await assert.rejects(once({onProgress, signal: stop.signal}), /enough/)
      assert.ok(last < 24_000_000)
      assert.equal(parts().length, 1, way)
      const steps: number[] = []
      await once({onProgress: ({bytes}) => void steps.push(bytes)})
      assert.ok(steps.some(bytes => bytes >= 4_000_000) && Number(steps.at(-1)) === 24_000_000, steps.join())
      assert.ok(steps.filter(bytes => bytes > 0 && bytes < 24_000_000).length <= 20)
      assert.deepEqual(readFileSync(join(folder, name)), readFileSync(src))
      assert.deepEqual(parts(), [])
    }
  })

  it('take large files from the server where it serves them, and by the comm where it does not, or serves others', async () => {
    const name = fresh()
    mkdirSync(there(`${name}-root`))
    writeFileSync(there(name), Buffer.alloc(20_000_000, 'right'))
    writeFileSync(there(`${name}-root/${name}`), Buffer.alloc(20_000_000, 'wrong'))
    let [asked, served] = [0, 0]
    const cases = [['served', ''], ['refused', 'nowhere/'], ['another file', `${name}-root/`]] as const
    for (const [what, folder] of cases) {
      asked = served = 0
      const files = {root: bed.jupyter.root, open: async (path: string, from: number) => {
        const stream = await bed.server.openFile(`${folder}${path}`, from)
        return {
          async read(into: Uint8Array) {
            asked++
            await stream.read(into)
            served++
          },
          close: () => stream.close(),
        }
      }}
      const back = join(here, `${name}-${what}`)
      await copy({sources: [{source: new RemoteSource(agent, {name: 'there', path: name, served: files}), spelled: name}], target: localTarget(back)})
      assert.ok(readFileSync(back).equals(readFileSync(there(name))), what)
      assert.ok(asked > 0 && (what === 'refused') === (served === 0), `${what}: ${asked}, ${served}`)
    }
  })

  it('begin anew where the file is another one by now', async () => {
    const [src, name] = [join(here, 'other'), fresh()]
    writeFileSync(src, Buffer.alloc(12_000_000, 'a'))
    const stop = new AbortController()
    await assert.rejects(up(src, name, {signal: stop.signal, onProgress: ({bytes}) => bytes > 3_000_000 && stop.abort(new Error('enough'))}), /enough/)
    writeFileSync(src, Buffer.alloc(12_000_000, 'b'))
    await up(src, name)
    assert.deepEqual(readFileSync(there(name)), readFileSync(src))
    assert.deepEqual(readdirSync(bed.jupyter.root).filter(each => each.endsWith('.part')), [])
    truncateSync(src, 100)
    await up(src, name)
    assert.equal(statSync(there(name)).size, 100)
  })

  it('say what of many could not be copied, and copy the others', async () => {
    const [src, name] = [join(here, 'some'), fresh()]
    mkdirSync(join(src, 'd'), {recursive: true})
    for (const each of ['a', 'b', 'd/c']) writeFileSync(join(src, each), each)
    mkdirSync(there(`${name}/b`), {recursive: true})
    const told: string[] = []
    await assert.rejects(up(`${src}/`, name, {onWarning: message => void told.push(message)}), {code: 'COPY_INCOMPLETE', message: '1 of 3 files were not copied'})
    assert.match(told.join(), /a folder is in its place/)
    assert.equal(readFileSync(there(`${name}/d/c`), 'utf8'), 'd/c')
  })

  it('take a hundred thousand entries', async () => {
    const name = fresh()
    const {executable} = agent.hello
    await agent.start({run: 'many', argv: [executable, '-c', `
import os
for i in range(1000):
    os.makedirs('${name}/%d' % i)
    for k in range(99): open('${name}/%d/%d' % (i, k), 'w').close()
`]})
    await agent.follow('many', {onRecord: () => undefined})
    const {files, folders} = await down(`${name}/`, join(here, name), {dryRun: true})
    assert.deepEqual([files, folders], [99_000, 1000])
    rmSync(there(name), {recursive: true})
  })
})
