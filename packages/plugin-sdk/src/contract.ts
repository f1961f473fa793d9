/** The version of the contract between cgpu and its plugins: `cgpu.contract` in a plugin's package.json. */
export const CONTRACT = 1

/** The oldest that still works: plugins have one version's time to follow. */
export const OLDEST_CONTRACT = Math.max(1, CONTRACT - 1)

/** A hook that takes longer is given up with a warning. */
export const HOOK_BUDGET_MS = 2000

/** Whether hooks of a plugin that declares this contract are called. What comes from a package.json may be anything. */
export function supportsContract(declared: unknown): boolean {
  return typeof declared === 'number' && Number.isInteger(declared) && declared >= OLDEST_CONTRACT && declared <= CONTRACT
}

/** Events of ours; all others are oclif's. Those of features to come are theirs too, so that an older cgpu knows whose they are. */
export const isCgpuEvent = (event: string): boolean => /^(execution|runtime|provider|scheme|secret|secret-source|notebook|notebook-exporter|cell|job|metric|metric-sink|pipeline|pipeline-executor):/.test(event)
