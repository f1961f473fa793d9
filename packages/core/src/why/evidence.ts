/** What is known of work that is over (or not), wherever it was learned. */
export interface Evidence {
  id: string
  /** name of its runtime */
  runtime: string
  kind: 'job' | 'run' | 'exec' | 'shell' | 'notebook'
  /** of a job: starting, running, exited, lost, unknown; of an execution: its status */
  state: string
  exitStatus: number | null
  signal: string | null
  /** cancelled, oom, signal */
  reason?: string | undefined
  /** cgpu's own error, where it ended with one */
  error?: {code: string; message: string} | undefined
  /** the last lines that it printed, both streams, oldest first */
  lines: readonly string[]
  diskFull?: boolean | undefined
  peakMemoryBytes?: number | undefined
  /** of its machine */
  memoryBytes?: number | undefined
  /** its machine is not there any more */
  machineGone?: boolean | undefined
}

/** Its output is on its machine; of the others the history has the end. */
export function hasLog({kind}: Pick<Evidence, 'kind'>): boolean {
  return kind === 'job' || kind === 'run'
}

/** Why it ended as it did, as far as it shows. */
export interface Diagnosis {
  /** SCREAMING_SNAKE, stable */
  code: string
  /** one sentence */
  cause: string
  /** lines of its output, or facts, that say so */
  evidence: string[]
  /** what to type or to change, the best first */
  next: string[]
}

/** The last line that matches, and the match. */
export function lastMatch(lines: readonly string[], pattern: RegExp): {line: string; match: RegExpExecArray} | undefined {
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at]!
    const match = pattern.exec(line)
    if (match) return {line: line.trim(), match}
  }
  return undefined
}
