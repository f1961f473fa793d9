import {spawn} from 'node:child_process'
import {cliProgram} from '../daemon/program.ts'
import {backgroundVariable} from './background.ts'

/**
 * A killed forward (`kill -9`, no memory left) cannot tell the machine to end its connections, and a network that is gone looks the
 * same from there: so a shell waits for this process's end, and has it told. Returns what ends the watch without a word. Not on
 * Windows, where the next forward to that machine tells it.
 */
export function watchForward(id: string): () => void {
  if (process.platform === 'win32') return () => undefined
  const {[backgroundVariable]: _, ...env} = process.env
  const watch = spawn('/bin/sh', ['-c', 'read -r over || exec "$@"', 'sh', process.execPath, ...cliProgram(), '__port-ended', id], {
    detached: true, stdio: ['pipe', 'ignore', 'ignore'], env,
  })
  watch.on('error', () => undefined) // no shell: as on Windows
  watch.stdin.on('error', () => undefined)
  watch.unref()
  if ('unref' in watch.stdin && typeof watch.stdin.unref === 'function') watch.stdin.unref()
  return () => void watch.stdin.end('over\n')
}
