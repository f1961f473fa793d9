/** One thing that may stand at the cursor. */
export interface Candidate {
  value: string
  /** shown beside it by zsh and fish */
  description?: string | undefined
}

/** What the shell is asked to do besides showing candidates: `nospace` where a word may go on behind one of them. */
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
  /** flags that do not go with it */
  exclusive?: string[] | undefined
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
  argOptions: (string[] | null)[]
  remoteArgs: boolean
  /** the plugin that brings it, where that does not come along and is fetched at its first use */
  fetched?: string | undefined
}

/** What an open machine can be asked for; of the one named, or of the usual one. */
export interface MachineSources {
  /** kernelspecs */
  specs(runtime: string | undefined): Promise<Candidate[]>
  /** kernels that run */
  kernels(runtime: string | undefined): Promise<Candidate[]>
  /** terminals that are open */
  terminals(runtime: string | undefined): Promise<Candidate[]>
  /** entries of a folder, of which only those that begin so are wanted: `folder` is '' or ends with '/'; folders among them end with '/' */
  entries(runtime: string | undefined, folder: string, beginning: string): Promise<Candidate[]>
}

/**
 * Values that only a look at the state, the configuration or a server can tell. Each may be slow or fail: the caller has a
 * time budget and takes no answer for none.
 */
export interface CompletionSources extends MachineSources {
  runtimes(): Promise<Candidate[]>
  providers(): Promise<Candidate[]>
  accelerators(kind: 'gpu' | 'tpu', provider: string | undefined): Promise<Candidate[]>
  profiles(): Promise<Candidate[]>
  /** who is signed in, by e-mail address */
  accounts(): Promise<Candidate[]>
  secrets(): Promise<Candidate[]>
  /** that were started from here and whose ids begin so, newest first; `open`: that are not known to be over */
  jobs(beginning: string, which: 'all' | 'open'): Promise<Candidate[]>
  schedules(): Promise<Candidate[]>
  /** ids of the history, the newest */
  executions(): Promise<Candidate[]>
  /** ids of what forwards ports */
  forwards(): Promise<Candidate[]>
  /** plugins that the user installed or linked */
  plugins(): Promise<Candidate[]>
  /** of cgpu, that are installed; none where it is no standalone one */
  versions(): Promise<Candidate[]>
  settings(): Promise<Candidate[]>
  /** values that a setting can have; empty where any text will do */
  settingValues(key: string): Promise<Candidate[]>
  schemas(): Promise<Candidate[]>
  /** names of notebooks in Drive, as they were last listed */
  notebooks(): Promise<Candidate[]>
  /** entries of the working folder here; folders among them end with '/' */
  localEntries(): Promise<Candidate[]>
}
