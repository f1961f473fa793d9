import type {DaemonProgram} from '@cgpu/daemon/client'

const fs = process.getBuiltinModule('node:fs')
const {fileURLToPath} = process.getBuiltinModule('node:url')

/** Of a process that mostly waits: a small heap, collected often, rather than a quick one. */
const nodeArgs = ['--max-semi-space-size=1', '--max-old-space-size=256', '--optimize-for-size']

/** The daemon's program, as the build left it; undefined where there is only the source, or a build was cut short. */
export function daemonProgram(): (DaemonProgram & {version: string}) | undefined {
  try {
    const {version, build} = JSON.parse(fs.readFileSync(new URL('../fast-daemon/build.json', import.meta.url), 'utf8')) as {version: string; build: string} // our build wrote it
    return {version, build, entry: fileURLToPath(new URL('../fast-daemon/process.js', import.meta.url)), nodeArgs}
  } catch {
    return undefined
  }
}

/** What node is given to run another command of this cgpu as this process was started; the daemon's small heap is its own. */
export function cliProgram(): string[] {
  return [...process.execArgv.filter((one) => !nodeArgs.includes(one)), '--', fileURLToPath(new URL('../../../../bin/run.js', import.meta.url))]
}
