import assert from 'node:assert/strict'
import fc from 'fast-check'
import {frame, unframe} from './frame.ts'
import {linkStaysInside, nameOf, staysBelow, systemPath, unusable} from './names.ts'

describe('names of the other side', () => {
  it('are text and bytes again, whatever bytes they have', () => {
    fc.assert(fc.property(fc.uint8Array({minLength: 1, maxLength: 300}), bytes => {
      const name = nameOf(bytes)
      assert.deepEqual(Buffer.from(systemPath(name)), Buffer.from(bytes))
      const {header, data} = unframe(frame({name}, [bytes]))
      assert.equal(header['name'], name)
      assert.deepEqual(Buffer.from(data), Buffer.from(bytes))
    }))
  })

  it('are refused when they leave their folder', () => {
    for (const path of ['', '.', '..', '../x', 'a/../b', '/etc/passwd', 'a//b', 'a/', 'a/.', 'a\0b', '\ud800', 'a\udfff']) assert.equal(staysBelow(path), false, JSON.stringify(path))
    for (const path of ['a', 'a/b', '..a', 'a\\b', '...', 'ü/名前', 'a\nb', 'x\udcff', '-rf', ' ']) assert.equal(staysBelow(path), true, JSON.stringify(path))
  })

  it('are no names on Windows when it keeps them for itself', () => {
    for (const name of ['con', 'NUL.txt', 'a/COM1', 'lpt9.tar.gz', 'x.', 'x ', 'a:b', 'a\\b', 'q?', 'a\nb', 'x\udcff']) assert.ok(unusable(name, 'win32'), name)
    for (const name of ['console', 'com', 'nul-1', '.hidden', 'ü']) assert.equal(unusable(name, 'win32'), undefined, name)
    assert.equal(unusable('con', 'linux'), undefined)
  })

  it('of links stay inside whatever other links there are', () => {
    for (const [path, to] of [['a', 'b'], ['d/a', '../b'], ['d/e/a', '../../x/y'], ['a', './b/./c']] as const) assert.ok(linkStaysInside(path, to), `${path} -> ${to}`)
    for (const [path, to] of [['a', '..'], ['a', '/etc'], ['d/a', '../..'], ['a', 'd/..'], ['a', 'd/../b'], ['a', ''], ['a', 'C:\\x'], ['a', '\\\\host'], ['a', '..\\x']] as const) {
      assert.equal(linkStaysInside(path, to), false, `${path} -> ${to}`)
    }
  })
})
