import {existsSync, readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {delimiter, dirname, join, resolve} from 'node:path'

/**
 * The program and first arguments that start cgpu: `CGPU_TEST_BIN` (a path of its run.js, or of an executable), else the @cgpu/cli
 * that the plugin has among its devDependencies, else `cgpu` on PATH. Throws where there is none.
 */
export function cgpuProgram(env: NodeJS.ProcessEnv = process.env, folder: string = process.cwd()): string[] {
  const given = env['CGPU_TEST_BIN']
  if (given) return started(resolve(folder, given))
  try {
    const pjson = createRequire(join(folder, 'package.json')).resolve('@cgpu/cli/package.json')
    const {bin} = JSON.parse(readFileSync(pjson, 'utf8')) as {bin?: {cgpu?: string}} // npm's own format
    if (bin?.cgpu !== undefined) return started(join(dirname(pjson), bin.cgpu))
  } catch {
    // not installed beside the plugin
  }
  const names = process.platform === 'win32' ? ['cgpu.cmd', 'cgpu.exe'] : ['cgpu']
  for (const path of (env['PATH'] ?? '').split(delimiter)) {
    for (const name of names) if (path !== '' && existsSync(join(path, name))) return [join(path, name)]
  }
  throw new Error('cgpu is not found: npm install --save-dev @cgpu/cli, or set CGPU_TEST_BIN')
}

const started = (path: string): string[] => (/\.[cm]?js$/.test(path) ? [process.execPath, '--', path] : [path])
