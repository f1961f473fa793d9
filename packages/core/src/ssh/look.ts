import type {AgentClient} from '../agent/client.ts'
import {textOf} from '../agent/channel.ts'
import {errors} from '../errors.ts'

/** Who works on a machine whose own sshd listens. Throws NO_SSH (64), saying what is missing. */
export async function sshUser(agent: AgentClient, port: number, runtime: string): Promise<string> {
  const {data} = await agent.part('ssh').request('look', {port})
  if (data['listening'] === true) return textOf(data, 'user')
  const installed = typeof data['program'] === 'string'
  throw errors.usage(`no SSH server listens on port ${port} of ${runtime}${installed ? ', though one is installed' : ': none is installed'}`, {
    code: 'NO_SSH', category: 'runtime',
    fix: installed
      ? `start it there (as root: cgpu run -r ${runtime} -- service ssh start), or give --port; without it: cgpu exec, cgpu cp`
      : `install it there (as root: cgpu run -r ${runtime} -- apt-get install -y openssh-server), then start it; without it: cgpu exec, cgpu cp`,
    details: {port, installed},
  })
}
