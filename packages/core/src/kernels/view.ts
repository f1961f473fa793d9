import type {KernelModel, KernelSpecModel, SessionModel} from '@cgpu/jupyter'

/** A kernel on a machine, as commands show it. */
export interface KernelView {
  id: string
  /** as cgpu calls it: `default`, a kernelspec, or the name it was started with; null: somebody else's */
  name: string | null
  /** the kernelspec */
  spec: string
  language: string
  /** idle, busy, starting, restarting, dead; as the server says, unknown ones too */
  state: string
  /** clients that are connected to it */
  connections: number | null
  lastActivityAt: string | null
  /** what it was started for: the notebook's path, or ours */
  path: string | null
}

/** The key of a session that RuntimeSession registered a kernel with; undefined: it is none of ours. */
export function keyOfPath(path: string): string | undefined {
  // servers keep a leading slash, or do not
  const ours = /^\/?cgpu(?:-(.+))?$/.exec(path)
  return ours ? (ours[1] ?? 'default') : undefined
}

/** cgpu's own kernel, in which its agent lives. */
export const controlKey = 'control'

export interface ServerKernels {
  kernels: readonly KernelModel[]
  sessions: readonly SessionModel[]
  specs: readonly KernelSpecModel[]
}

/** All but cgpu's own; cgpu's named ones first, then by their last use, the latest first. */
export function viewsOf({kernels, sessions, specs}: ServerKernels): KernelView[] {
  const views = kernels.flatMap((kernel): KernelView[] => {
    const path = sessions.find((session) => session.kernel.id === kernel.id)?.path ?? null
    const name = path === null ? undefined : keyOfPath(path)
    if (name === controlKey) return []
    return [{
      id: kernel.id, name: name ?? null, spec: kernel.name, language: specs.find((one) => one.name === kernel.name)?.language.toLowerCase() ?? '',
      state: kernel.execution_state ?? 'unknown', connections: kernel.connections ?? null, lastActivityAt: kernel.last_activity ?? null, path,
    }]
  })
  const rank = ({name}: KernelView): number => (name === 'default' ? 0 : name === null ? 2 : 1)
  return views.sort((a, b) => rank(a) - rank(b) || (b.lastActivityAt ?? '').localeCompare(a.lastActivityAt ?? ''))
}
