import {spawn} from 'node:child_process'
import {mkdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {errors} from '@cgpu/core/errors'
import {sanitizeLine} from '@cgpu/core/text/line'

/** Puts a repository's files into `folder`, without running any hook of it. Returns the commit. Throws PLUGIN_GIT (69), PLUGIN_LINK (65). */
export async function fetchGit(url: string, ref: string | undefined, folder: string, signal: AbortSignal): Promise<string> {
  const git = (args: string[], cwd: string): Promise<string> => runGit(args, {cwd, signal})
  await mkdir(folder, {recursive: true})
  await git(['init', '--quiet', '--template='], folder)
  await git(['fetch', '--quiet', '--depth=1', '--no-recurse-submodules', '--', url, ref ?? 'HEAD'], folder)
  const odd = (await git(['ls-tree', '-r', 'FETCH_HEAD'], folder)).split('\n').filter((line) => /^(?:120000|160000) /.test(line))
  if (odd.length > 0) {
    throw errors.data(`the repository holds a link: ${sanitizeLine(odd[0]?.split('\t')[1] ?? '', 200)}`, {code: 'PLUGIN_LINK', category: 'plugin', fix: 'nothing was installed; tell its author'})
  }
  await git(['-c', 'core.hooksPath=/dev/null', '-c', 'core.symlinks=false', 'checkout', '--quiet', '--detach', 'FETCH_HEAD'], folder)
  const commit = (await git(['rev-parse', 'HEAD'], folder)).trim()
  await rm(join(folder, '.git'), {recursive: true, force: true})
  return commit
}

function runGit(args: string[], {cwd, signal}: {cwd: string; signal: AbortSignal}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, {cwd, signal, env: {...process.env, GIT_TERMINAL_PROMPT: '0', GIT_DIR: join(cwd, '.git'), GIT_WORK_TREE: cwd}, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true})
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err = (err + text).slice(-4096)
    })
    const fail = (why: string): void => reject(errors.network(`git cannot fetch it: ${sanitizeLine(why, 300)}`, {code: 'PLUGIN_GIT', category: 'plugin', fix: 'check the address, the branch or tag, and that git may read it'}))
    child.on('error', () => fail(signal.aborted ? 'it was interrupted' : 'git is not installed'))
    child.on('close', (status) => (status === 0 ? resolve(out) : fail(reasonIn(err))))
  })
}

/** What git calls fatal first; advice follows, and the end of that says nothing by itself. */
const reasonIn = (err: string): string => /^(?:fatal|error): (.*)$/m.exec(err)?.[1] ?? err.trim().split('\n').at(-1) ?? ''
