import {existsSync} from 'node:fs'
import {join} from 'node:path'
import {callCgpu, type CgpuCommand, notebookHooks} from '@cgpu/plugin-sdk'
import {followedVariable} from './notebook-followed.ts'

/** Where the job that has ended ran a notebook, and a plugin listens, has it told by `cgpu notebook __ended`. What goes wrong becomes a warning. */
export async function notebookEnded(command: CgpuCommand, id: string, exitStatus: number | undefined): Promise<void> {
  if (process.env[followedVariable] === id || !existsSync(join(command.config.dataDir, 'notebooks', 'detached'))) return
  const {after, afterCell} = await notebookHooks(command)
  if (!after && !afterCell) return
  const {envelope} = await callCgpu(['notebook', '__ended', id, ...(exitStatus === undefined ? [] : [String(exitStatus)]), '--json'])
  if (!envelope.ok) command.warn(`plugins were not told of the notebook: ${envelope.error.message}`)
}
