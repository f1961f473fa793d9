import {formatBytes} from '../text/format.ts'
import {type Diagnosis, type Evidence, hasLog, lastMatch} from './evidence.ts'
import {packageOf} from './packages.ts'

/** Undefined: it is not that. */
type Rule = (evidence: Evidence) => Diagnosis | undefined

const again = ({kind, id}: Evidence): string => {
  if (kind === 'shell') return `cgpu history show ${id}`
  return kind === 'exec' || kind === 'notebook' ? `cgpu history rerun ${id}` : `cgpu job retry ${id}`
}

/** A rule by what was printed. */
const printed = (code: string, pattern: RegExp, explain: (match: RegExpExecArray, evidence: Evidence) => Omit<Diagnosis, 'code' | 'evidence'>): Rule => (evidence) => {
  const found = lastMatch(evidence.lines, pattern)
  return found && {code, evidence: [found.line], ...explain(found.match, evidence)}
}

/** A rule by the code of cgpu's own error. */
const failedWith = (code: string, codes: RegExp, cause: (evidence: Evidence) => string, next: (evidence: Evidence) => string[]): Rule => (evidence) => {
  const {error} = evidence
  return error && codes.test(error.code) ? {code, cause: cause(evidence), evidence: [`${error.code}: ${error.message}`], next: next(evidence)} : undefined
}

const cudaMemory = printed(
  'GPU_OUT_OF_MEMORY', /CUDA out of memory|OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|RESOURCE_EXHAUSTED: Out of memory|ResourceExhaustedError|CUBLAS_STATUS_ALLOC_FAILED/,
  (_, evidence) => ({
    cause: 'the memory of the GPU was not enough',
    next: [`use a smaller batch or gradient accumulation, or a GPU with more memory: ${again(evidence)} --gpu a100`, 'see what each accelerator has: cgpu runtime accelerators'],
  }),
)

const hostMemory: Rule = (evidence) => {
  const {reason, signal, peakMemoryBytes, memoryBytes, error} = evidence
  const raised = lastMatch(evidence.lines, /^(?:numpy\S*\.)?(?:MemoryError|_ArrayMemoryError)\b.*|Cannot allocate memory|std::bad_alloc|DefaultCPUAllocator: can't allocate memory/)
  const near = peakMemoryBytes !== undefined && memoryBytes !== undefined && peakMemoryBytes > 0.85 * memoryBytes
  const killed = reason === 'oom' || (signal === 'SIGKILL' && reason !== 'cancelled' && near)
  const kernel = error?.code === 'KERNEL_DEAD' && near
  if (!killed && !raised && !kernel) return undefined
  const facts = [
    ...(reason === 'oom' ? ['the system killed it: out of memory'] : killed ? ['killed by SIGKILL'] : []),
    ...(raised ? [raised.line] : []),
    ...(peakMemoryBytes === undefined ? [] : [`peak memory ${formatBytes(peakMemoryBytes)}${memoryBytes === undefined ? '' : ` of ${formatBytes(memoryBytes)}`}`]),
  ]
  return {
    code: 'OUT_OF_MEMORY', cause: 'the memory of the machine was not enough', evidence: facts,
    next: [`take a machine with more memory: ${again(evidence)} --high-ram`, 'load data in parts, or use fewer workers'],
  }
}

const diskFull: Rule = (evidence) => {
  const found = lastMatch(evidence.lines, /No space left on device|\[Errno 28\]|ENOSPC|Disk quota exceeded/)
  const {diskFull: full, error} = evidence
  if (!found && full !== true && error?.code !== 'REMOTE_DISK_FULL') return undefined
  return {
    code: 'DISK_FULL', cause: 'the disk of the machine was full',
    evidence: found ? [found.line] : [full ? 'its output could not be logged: the disk was full' : (error?.message ?? '')],
    next: [`see what takes the space: cgpu run -r ${evidence.runtime} -- df -h .`, 'remove old checkpoints and caches, or take a machine with a larger disk'],
  }
}

const missingModule = printed('MISSING_MODULE', /(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?/, (match, evidence) => {
  const name = match[1] ?? ''
  return {cause: `the Python module ${name} is not installed on the machine`, next: [`${again(evidence)} --packages ${packageOf(name)}`]}
})

const noGpu = printed(
  'NO_GPU', /Found no NVIDIA driver|No CUDA GPUs are available|CUDA driver version is insufficient|no CUDA-capable device|Torch not compiled with CUDA|failed call to cuInit|No GPU\/TPU found|no kernel image is available/i,
  (_, evidence) => ({cause: 'it wanted a GPU, and found none that it can use', next: [`${again(evidence)} --gpu t4`, 'see which you may use: cgpu runtime accelerators']}),
)

const syntax: Rule = ({lines, ...evidence}) => {
  const found = lastMatch(lines, /^\s*(SyntaxError|IndentationError|TabError): (.*)/)
  if (!found) return undefined
  const place = lastMatch(lines, /File "(.+)", line (\d+)/)
  return {
    code: 'SYNTAX_ERROR', cause: `Python cannot read the code${place ? `: line ${place.match[2]} of ${place.match[1]}` : ''}`,
    evidence: [...(place ? [place.line] : []), found.line], next: [`mend it, then: ${again({lines, ...evidence})}`],
  }
}

const token = printed(
  'TOKEN_REFUSED', /\b401\b.*Unauthorized|HTTP Error 401|Invalid (?:username or password|user token|API key)|GatedRepoError|gated repo|token (?:has )?expired|Incorrect API key|wandb.*(?:API key|not logged in)|AuthenticationError/i,
  (_, evidence) => ({
    cause: 'a service that the program used refused its token, or got none',
    next: [`give it the token: cgpu secret set NAME, then: ${again(evidence)} --secret NAME`],
  }),
)

const network = printed(
  'NETWORK', /(?:ConnectionError|ConnectTimeout|ReadTimeout|NewConnectionError|MaxRetryError|URLError|gaierror|ConnectionRefusedError|ConnectionResetError|SSLError)\b.*|Temporary failure in name resolution|Could not resolve host/,
  (_, evidence) => ({cause: 'the program could not reach something on the network', next: ['check the address, and whether it can be reached from the machine', again(evidence)]}),
)

const missingFile = printed('MISSING_FILE', /FileNotFoundError: .*?No such file or directory: '?([^']+)'?|can't open file '([^']+)'/, (match, evidence) => {
  const name = match[1] ?? match[2] ?? ''
  return {cause: `there is no file ${name} on the machine`, next: [`bring it along: ${again(evidence)} --include ${name.startsWith('/') ? 'PATH' : name}`]}
})

const denied = printed('PERMISSION_DENIED', /PermissionError: .*|Permission denied/, (_, evidence) => ({
  cause: 'the program may not do that on the machine', next: [`check the path and its mode, then: ${again(evidence)}`],
}))

const signalled: Rule = (evidence) => {
  const {signal, reason} = evidence
  if (signal === null || reason === 'cancelled') return undefined
  const known: Record<string, {cause: string; next: string[]}> = {
    SIGSEGV: {cause: 'the program crashed in native code (segmentation fault)', next: ['run it with PYTHONFAULTHANDLER=1 to see where: --env PYTHONFAULTHANDLER=1', 'check that the versions of native packages fit each other']},
    SIGABRT: {cause: 'the program ended itself after an error in native code (abort)', next: ['see its last lines: --tail 50', 'run it with --env PYTHONFAULTHANDLER=1']},
    SIGBUS: {cause: 'the program crashed (bus error): shared memory or a mapped file was too small', next: ['use fewer data loader workers']},
    SIGILL: {cause: 'the program used an instruction that this processor does not have', next: ['install a build for this machine']},
    SIGINT: {cause: 'it was interrupted', next: [again(evidence)]},
    SIGTERM: {cause: 'something asked it to end', next: [again(evidence)]},
    SIGKILL: {cause: 'something killed it; when nobody did, the system did, mostly for want of memory', next: [`${again(evidence)} --high-ram`, `see its memory: cgpu job show ${evidence.id}`]},
  }
  const {cause, next} = known[signal] ?? {cause: `it was killed by ${signal}`, next: [again(evidence)]}
  return {code: 'KILLED_BY_SIGNAL', cause, evidence: [`killed by ${signal}`], next}
}

const cancelled: Rule = ({reason, ...evidence}) =>
  reason === 'cancelled' ? {code: 'CANCELLED', cause: 'it was cancelled', evidence: ['cgpu job cancel, the release of its machine, or the end of the command that ran it'], next: [again(evidence)]} : undefined

const reclaimed: Rule = (evidence) => {
  const {state, machineGone, error, reason} = evidence
  // it went because somebody released it
  if (reason === 'cancelled') return undefined
  if (error?.code !== 'RUNTIME_RECLAIMED' && !(machineGone === true && (state === 'lost' || state === 'unknown'))) return undefined
  return {
    code: 'RUNTIME_RECLAIMED', cause: `its machine ${evidence.runtime} was taken away while it ran`, evidence: [error ? `${error.code}: ${error.message}` : `${evidence.runtime} is gone`],
    next: [again(evidence), 'next time let it go on from checkpoints: cgpu run --max-restarts 3 --checkpoint GLOB --resume-cmd COMMAND'],
  }
}

/** What cgpu itself says of a lost job tells more, unless that is all that it says. */
const saysMore = ({error}: Evidence): boolean => error !== undefined && error.code !== 'JOB_LOST'

const vanished: Rule = (evidence) => (evidence.state !== 'lost' || evidence.machineGone === true || saysMore(evidence) ? undefined : {
  code: 'JOB_LOST', cause: 'its process and who watched over it vanished at once: the machine was restarted, or everything on it was killed',
  evidence: ['the machine does not know how it ended'], next: [again(evidence)],
})

const kernelDied = failedWith('KERNEL_DIED', /^KERNEL_(DEAD|RESTARTED|LOST)$/, ({runtime}) => `the kernel on ${runtime} died while the code ran, most likely for want of memory`, (evidence) => [
  again(evidence), `run it as a process of its own, whose memory is measured: cgpu run -r ${evidence.runtime} SCRIPT`,
])

const notStarted = failedWith('NOT_STARTED', /^(COMMAND_NOT_STARTED|JOB_NOT_STARTED)$/, () => 'the command could not be started on the machine', (evidence) => ['check its name and --cwd; what is not installed there is not found', again(evidence)])

const notFoundThere: Rule = (evidence) => {
  const found = lastMatch(evidence.lines, /(?:^|: )([\w./-]+): (?:command )?not found/)
  if (evidence.exitStatus !== 127 || !found) return undefined
  return {code: 'COMMAND_NOT_FOUND', cause: `the machine has no command ${found.match[1]}`, evidence: [found.line], next: [`install it first, or give its path, then: ${again(evidence)}`]}
}

/** As shells and their like tell of a file that they were to run or read. */
const fileNotThere: Rule = (evidence) => {
  const found = lastMatch(evidence.lines, /(?:^|[ :])'?([\w./~-]+)'?: (?:bad interpreter: )?No such file or directory$/)
  const {exitStatus} = evidence
  if (!found || (exitStatus !== 127 && exitStatus !== 126 && exitStatus !== 2)) return undefined
  const name = found.match[1] ?? ''
  return {code: 'MISSING_FILE', cause: `there is no file ${name} on the machine`, evidence: [found.line], next: [`bring it along: ${again(evidence)} --include ${name.startsWith('/') ? 'PATH' : name}`]}
}

const signIn = failedWith('SIGN_IN', /^(AUTH|SIGN_IN|TOKEN|GRANT|CONSENT|NOT_SIGNED_IN)/, () => 'cgpu was not allowed to use the account', () => ['cgpu auth status', 'cgpu auth login'])
const quota = failedWith('QUOTA', /QUOTA|TOO_MANY|CAPACITY|UNAVAILABLE|BUDGET|DENYLISTED/, () => 'the provider gave no machine: its quota, capacity or the balance was not enough', () => ['cgpu usage', 'cgpu runtime list', 'let it wait, and take what is free: --gpu a100,l4,t4 --wait 30m'])
const timedOut = failedWith('TIMED_OUT', /^EXEC_TIMEOUT$/, () => 'it took longer than --timeout', (evidence) => [`${again(evidence)} --timeout 2h`])
const anyError: Rule = ({error, ...evidence}) => error && (evidence.state !== 'lost' || saysMore({error, ...evidence})) ? {code: error.code, cause: error.message, evidence: [`${error.code}: ${error.message}`], next: [again(evidence)]} : undefined

/** The last exception of a Python traceback. */
const exception = printed('EXCEPTION', /^((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt)): ?(.*)/, (match, evidence) => ({
  cause: `Python raised ${match[1]}${match[2] ? `: ${match[2]}` : ''}`, next: [`see where: cgpu ${hasLog(evidence) ? 'logs' : 'history show'} ${evidence.id}${hasLog(evidence) ? ' --tail 40' : ''}`],
}))

/** The most telling first: what a rule further down would say follows from what one further up says. */
export const rules: readonly Rule[] = [
  cancelled, reclaimed, cudaMemory, hostMemory, diskFull, missingModule, noGpu, syntax, token, missingFile, notFoundThere, fileNotThere, notStarted, kernelDied,
  signIn, quota, timedOut, network, denied, vanished, signalled, exception, anyError,
]
