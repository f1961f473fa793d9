// What must be true of an archive for whatever system, told without running it.
import {gunzipSync} from 'node:zlib'
import {root} from '../bundling.mjs'
import {readTar} from './tar.mjs'

/** What starts, what answers Tab, the daemon, and what is brought to machines. */
const needed = [
  'package.json', 'package-lock.json', 'build.json', 'sbom.cdx.json', 'LICENSE', 'oclif.manifest.json', 'bin/run.js', 'packages/cli/dist/fast/main.js',
  'packages/cli/dist/fast-complete/main.js', 'packages/cli/dist/fast-exec/main.js', 'packages/cli/dist/fast-daemon/process.js', 'node_modules/@cgpu/runtime-agent/python/cgpu_agent.py',
]
const forDevelopers = /\.(?:d\.[cm]?ts|[cm]?ts|map|tsbuildinfo)$|(?:^|\/)node_modules\/(?:\.bin|typescript|mocha|esbuild)\/|(?:^|\/)__pycache__\//

/** The system that a compiled file is for, by its first bytes; undefined: it is not compiled. */
export function systemOf(bytes) {
  if (bytes.length < 64) return undefined
  if (bytes.readUInt32BE(0) === 0x7f454c46) return {62: 'linux-x64', 183: 'linux-arm64'}[bytes.readUInt16LE(18)] ?? 'linux-other'
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return {[0x01000007]: 'darwin-x64', [0x0100000c]: 'darwin-arm64'}[bytes.readUInt32LE(4)] ?? 'darwin-other'
  const pe = bytes.toString('latin1', 0, 2) === 'MZ' ? bytes.readUInt32LE(60) : undefined
  if (pe === undefined || pe + 6 > bytes.length || bytes.toString('latin1', pe, pe + 4) !== 'PE\0\0') return undefined
  return {0x8664: 'win32-x64', 0xaa64: 'win32-arm64'}[bytes.readUInt16LE(pe + 4)] ?? 'win32-other'
}

/** What is wrong with a .tar.gz that says to be of `version`, `commit` and `target`, with Node inside or not. Empty: nothing. */
export function problemsOf(archive, {version, commit, target, node}) {
  const problems = []
  const expect = (right, what) => right || problems.push(what)
  const id = `${version}-${commit.slice(0, 8)}`
  const prefix = `cgpu/versions/${id}/`
  const files = new Map()
  for (const {path, mode, type, body} of readTar(gunzipSync(archive))) {
    expect(type === 'file', `${path} is no plain file`)
    expect(!files.has(path), `${path} is there twice`)
    expect(path.startsWith(prefix) || /^cgpu\/(bin\/cgpu(\.cmd)?|current)$/.test(path), `${path} is elsewhere`)
    expect(!/\\|:|(^|\/)\.{1,2}(\/|$)|\/\//.test(path), `${path} leads out`)
    expect(!forDevelopers.test(path), `${path} is for developers`)
    expect(!body.includes(root), `${path} tells the folder that it was built in`)
    const system = systemOf(body)
    expect(system === undefined || system === target, `${path} is compiled for ${system}`)
    files.set(path, {mode, body})
  }
  const text = (path) => files.get(path)?.body.toString('utf8') ?? ''
  const runs = (path) => files.get(path)?.mode === 0o755
  expect(text('cgpu/current') === `${id}\n`, 'current does not name the version')
  expect(runs('cgpu/bin/cgpu') && text('cgpu/bin/cgpu').startsWith('#!/bin/sh\n'), 'bin/cgpu cannot be run')
  expect(text('cgpu/bin/cgpu.cmd').startsWith('@echo off\r\n'), 'bin/cgpu.cmd is not for Windows')
  for (const path of needed) expect(files.has(`${prefix}${path}`), `${path} is missing`)
  const program = `${prefix}bin/${target.startsWith('win32') ? 'node.exe' : 'node'}`
  expect(files.has(program) === node, node ? 'there is no Node inside' : 'there is a Node inside')
  if (node) expect(runs(program) && systemOf(files.get(program).body) === target, 'the Node inside is not for it')
  const build = JSON.parse(text(`${prefix}build.json`) || '{}')
  expect(build.version === version && build.commit === commit && build.target === target && (build.node !== null) === node, 'build.json tells of another build')
  return problems
}
