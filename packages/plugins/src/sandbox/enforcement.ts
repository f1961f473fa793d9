import {spawnSync} from 'node:child_process'
import {bubblewrap, bubblewrapArgs} from './bubblewrap.ts'

/** One thing that an untrusted plugin may not do, and what hinders it on this machine. */
export interface Enforced {
  what: string
  enforced: boolean
  /** by what, or why not */
  by: string
}

/** What this machine has to hold a plugin with. */
export interface Means {
  /** path of a bubblewrap that is there; whether it works is known when it was tried */
  bwrap: string | undefined
  /** Node can deny the network by itself (26 and later) */
  nodeDeniesNetwork: boolean
  platform: NodeJS.Platform
}

export function meansHere(env: NodeJS.ProcessEnv = process.env): Means {
  return {bwrap: bubblewrap(env), nodeDeniesNetwork: process.allowedNodeEnvironmentFlags.has('--allow-net'), platform: process.platform}
}

/** The same after bubblewrap was tried: in containers it is often there and not let. Takes some 20 ms; a sandbox finds out by itself. */
export function meansProven(env: NodeJS.ProcessEnv = process.env): Means {
  const means = meansHere(env)
  const {bwrap} = means
  const works = bwrap !== undefined && spawnSync(bwrap, [...bubblewrapArgs({readable: [], links: [], cwd: '/', env: {}}), '/bin/true'], {stdio: 'ignore', timeout: 5_000}).status === 0
  return {...means, bwrap: works ? bwrap : undefined}
}

export const networkDenied = ({bwrap, nodeDeniesNetwork}: Means): boolean => bwrap !== undefined || nodeDeniesNetwork

/** The truth for `cgpu plugins inspect`: what is enforced for an untrusted plugin here. */
export function enforcementOf({bwrap, nodeDeniesNetwork, platform}: Means): Enforced[] {
  const kernel = bwrap !== undefined
  const node = `Node's permission model (${process.version})`
  const both = kernel ? `${node} and bubblewrap` : node
  return [
    {what: 'reads files outside of its folder', enforced: true, by: both},
    {what: 'writes files', enforced: true, by: both},
    {what: 'starts programs, threads or native code', enforced: true, by: node},
    {what: 'sees the environment, and open files of cgpu', enforced: true, by: 'it is started without them'},
    {what: 'writes escape sequences to the terminal', enforced: true, by: 'its output goes through cgpu'},
    {
      what: 'uses the network', enforced: kernel || nodeDeniesNetwork,
      by: kernel ? 'bubblewrap (a network of its own, which is empty)' : nodeDeniesNetwork ? node : `${noBubblewrap(platform)}, and Node ${process.version} cannot deny it`,
    },
    {what: 'sends signals to other processes', enforced: kernel, by: kernel ? 'bubblewrap (it sees only its own processes)' : noBubblewrap(platform)},
    {what: 'learns whether a path exists', enforced: kernel, by: kernel ? 'bubblewrap (other folders are not there)' : `${noBubblewrap(platform)}: fs.realpath tells`},
    {what: 'uses more memory than it may', enforced: platform === 'linux', by: platform === 'linux' ? 'a limit of the system, and of Node' : 'only Node\'s own heap is limited'},
    {
      what: 'outlives cgpu', enforced: kernel,
      by: kernel ? 'bubblewrap ends it with cgpu' : platform === 'win32' ? 'it is told to end, and may not listen' : 'a watchdog ends it with cgpu, unless the plugin ends that first',
    },
  ]
}

const noBubblewrap = (platform: NodeJS.Platform): string => (platform === 'linux' ? 'bubblewrap is not installed, or does not work here' : `there is no bubblewrap on ${platform}`)

/** One line: `CAN: uses the network (…)`. */
export function describeEnforced({what, enforced, by}: Enforced): string {
  return `${enforced ? 'cannot' : 'CAN'}: ${what} (${by})`
}
