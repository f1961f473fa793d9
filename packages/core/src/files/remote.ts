import type {AgentClient} from '../agent/client.ts'

/** What is done to a machine's files where they are. Paths that are not absolute are below its working folder. Throws CgpuError. */
export class RemoteFiles {
  readonly #agent: AgentClient

  constructor(agent: AgentClient) {
    this.#agent = agent
  }

  /** A file, a link (not what it points to), an empty folder; `recursive`: a folder and all below it. Never the working folder, the home or the root. */
  async remove(path: string, options: {recursive?: boolean; signal?: AbortSignal} = {}): Promise<void> {
    const {recursive = false, signal} = options
    await this.#agent.part('files').request('remove', {path, recursive}, {signal})
  }
}
