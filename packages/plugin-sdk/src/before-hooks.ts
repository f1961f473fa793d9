type Work = () => Promise<unknown>

const key = Symbol.for('cgpu.before-hooks')

/** By event. Shared by all copies of this package in the process. */
function all(): Map<string, Work[]> {
  const holder = globalThis as unknown as Record<symbol, Map<string, Work[]> | undefined> // a symbol of our own on the global object
  return (holder[key] ??= new Map())
}

/** For the host: what is to be there before hooks of the event are asked. It takes none of their time; that it fails is seen when it is needed. */
export function beforeHooks(event: string, work: Work): void {
  all().set(event, [...(all().get(event) ?? []), work])
}

export async function readyForHooks(event: string): Promise<void> {
  const works = all().get(event)
  if (works) await Promise.allSettled(works.map((work) => work()))
}
