import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {ensureDir} from '@cgpu/core/state/dirs'
import {writeSampleData} from './sample-data.ts'

const pythonFolder = fileURLToPath(new URL('../../python', import.meta.url))

/** The files of one machine on the host. In namespaces `content`, `root` and `tmp` are what their names say. */
export interface MachineFolder {
  folder: string
  content: string
  home: string
  tmp: string
  /** programs that only this machine has */
  bin: string
  /** what the machine is, for its own programs */
  spec: string
  log: string
}

export function machineFolder(folder: string): MachineFolder {
  return {
    folder, content: join(folder, 'content'), home: join(folder, 'root'), tmp: join(folder, 'tmp'), bin: join(folder, 'bin'),
    spec: join(folder, 'machine.json'), log: join(folder, 'server.log'),
  }
}

export async function furnish(paths: MachineFolder): Promise<void> {
  await ensureDir(paths.folder)
  await Promise.all([paths.content, paths.home, paths.tmp, paths.bin].map((path) => ensureDir(path)))
  await writeSampleData(join(paths.content, 'sample_data'))
}

/** `nvidia-smi` where a shell finds it; `machineJson` is where it finds what the machine is. */
export async function addNvidiaSmi(paths: MachineFolder, python: string, machineJson: string): Promise<void> {
  const words = [python, '-I', '-S', '-B', join(pythonFolder, 'nvidia_smi.py'), machineJson].map(quoted)
  await writeFile(join(paths.bin, 'nvidia-smi'), `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, {mode: 0o755})
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
