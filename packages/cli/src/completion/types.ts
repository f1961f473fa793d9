/** One thing that may stand at the cursor. */
export interface Candidate {
  value: string
  /** shown beside it by zsh and fish */
  description?: string | undefined
}

/** What the shell is asked to do besides showing candidates. */
export type Directive = 'files' | 'dirs' | 'nospace'

export interface Completion {
  candidates: Candidate[]
  directives: Directive[]
}

/** A flag as the manifest describes it. */
export interface FlagEntry {
  name: string
  type: 'boolean' | 'option'
  char?: string | undefined
  aliases?: string[] | undefined
  charAliases?: string[] | undefined
  options?: string[] | undefined
  summary?: string | undefined
  helpValue?: string | undefined
  multiple?: boolean | undefined
  allowNo?: boolean | undefined
  hidden?: boolean | undefined
}

export interface CommandEntry {
  /** words separated by spaces */
  name: string
  /** the command's own id, also when `name` is an alias: `runtime:list` */
  id: string
  summary: string
  flags: FlagEntry[]
  args: number
  strict: boolean
  /** options of the arguments, by position */
  argOptions: (string[] | undefined)[]
  remoteArgs: boolean
}

/**
 * Values that only a look at the state, the configuration or a server can tell. Each may be slow or fail: the caller has a
 * time budget and takes no answer for none.
 */
export interface CompletionSources {
  runtimes(): Promise<Candidate[]>
  providers(): Promise<Candidate[]>
  accelerators(kind: 'gpu' | 'tpu', provider: string | undefined): Promise<Candidate[]>
  /** kernelspecs */
  kernels(runtime: string | undefined): Promise<Candidate[]>
  /** that run there */
  terminals(runtime: string | undefined): Promise<Candidate[]>
  /** what is forwarded on this computer */
  forwards(): Promise<Candidate[]>
  runningKernels(runtime: string | undefined): Promise<Candidate[]>
  profiles(): Promise<Candidate[]>
  /** who is signed in, by e-mail address */
  accounts(): Promise<Candidate[]>
  secrets(): Promise<Candidate[]>
  /** that were started from here, newest first */
  jobs(): Promise<Candidate[]>
  schedules(): Promise<Candidate[]>
  /** ids of the history, the newest */
  executions(): Promise<Candidate[]>
  settings(): Promise<Candidate[]>
  /** values that a setting can have; empty where any text will do */
  settingValues(key: string): Promise<Candidate[]>
  schemas(): Promise<Candidate[]>
  /** entries of a folder on a runtime: `folder` is '' or ends with '/'; folders among them end with '/' */
  remoteEntries(runtime: string, folder: string): Promise<Candidate[]>
}
