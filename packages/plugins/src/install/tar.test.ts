import assert from 'node:assert/strict'
import {gunzipSync, gzipSync} from 'node:zlib'
import {packed, tarball, type TarEntry} from '../../../../test/helpers/tarball.ts'
import {readTarball} from './tar.ts'

const refused = (why: RegExp) => (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'PLUGIN_TARBALL' && why.test(error.message)

describe('a package\'s tarball', () => {
  it('is read as npm packs it, whatever its folder is called', () => {
    const entries: TarEntry[] = [
      {path: 'app', type: '5'}, {path: 'app/package.json', data: '{}'}, {path: 'app/./bin/run.js', data: '#!', mode: 0o755}, {path: 'app/ä/ü.txt', data: 'x'.repeat(513)}, {path: 'app/empty'},
    ]
    assert.deepEqual(readTarball(tarball(entries)).map(({path, executable, data}) => [path, executable, data.length]), [['package.json', false, 2], ['bin/run.js', true, 2], ['ä/ü.txt', false, 513], ['empty', false, 0]])
  })

  it('may have long names', () => {
    const long = `package/${'folder/'.repeat(30)}file.js`
    const record = ` path=${long}\n`
    const length = record.length + String(record.length + 3).length
    const pax = tarball([{path: 'PaxHeader/x', type: 'x', data: `${length}${record}`}, {path: 'package/short', data: 'a'}])
    const gnu = tarball([{path: '././@LongLink', type: 'L', data: `${long}\0`}, {path: 'package/short', data: 'a'}])
    for (const bytes of [pax, gnu]) assert.deepEqual(readTarball(bytes).map(({path}) => path), [long.slice('package/'.length)])
  })

  it('that leads out, or holds more than files, is refused whole', () => {
    const bad: [TarEntry, RegExp][] = [
      [{path: 'package/../../etc/passwd', data: 'x'}, /leads out/], [{path: '/etc/passwd', data: 'x'}, /leads out/], [{path: 'package/..', data: 'x'}, /leads out/], [{path: 'alone', data: 'x'}, /leads out/],
      [{path: 'package/a\\..\\..\\b', data: 'x'}, /leads out/], [{path: 'C:/windows/x', data: 'x'}, /leads out/], [{path: 'package/link', type: '2', link: '/etc/passwd'}, /is a link/],
      [{path: 'package/hard', type: '1', link: 'package/package.json'}, /is a link/], [{path: 'package/device', type: '3'}, /is no file/], [{path: 'package/A', data: 'x'}, /there twice/],
      [{path: 'PaxHeader/x', type: 'x', data: '18 linkpath=/etc\n\n'}, /pax/], [{path: 'PaxHeader/x', type: 'x', data: 'nonsense'}, /damaged/],
    ]
    for (const [entry, why] of bad) assert.throws(() => readTarball(tarball([{path: 'package/a', data: ''}, entry])), refused(why), entry.path)
  })

  it('that is damaged, cut off, empty or no tarball is refused', () => {
    const good = packed({'package.json': '{"name":"x"}'})
    const raw = gunzipSync(good)
    const damaged = Buffer.from(raw)
    damaged[0] = 0x71
    for (const bytes of [Buffer.from('hello'), good.subarray(0, -20), Buffer.alloc(0), tarball([]), gzipSync(damaged), gzipSync(raw.subarray(0, 520)), gzipSync(Buffer.from('x'.repeat(2000)))]) {
      assert.throws(() => readTarball(bytes), refused(/./))
    }
  })
})
