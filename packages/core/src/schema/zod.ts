import type {z as Zod} from 'zod'

let loaded: ReturnType<typeof build> | undefined

/** The zod schemas of what cgpu prints. Loads zod (50 to 80 ms) at the first call: not for the way of every command. */
export async function outputSchemas(): Promise<ReturnType<typeof build>> {
  loaded ??= build((await import('zod')).z)
  return loaded
}

/** Objects are loose: a newer cgpu may add fields, and a reader of ours must not stumble over those of a plugin. */
function build(z: typeof Zod) {
  const stamp = {ts: z.iso.datetime(), seq: z.int().nonnegative(), id: z.string()}
  const count = z.int().nonnegative()
  const seconds = z.number().nonnegative()
  const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
  const output = {data: z.string(), encoding: z.literal('base64').optional()}
  const event = <T extends string, S extends Zod.ZodRawShape>(type: T, shape: S) => z.looseObject({type: z.literal(type), ...stamp, ...shape})
  const mimeBundle = z.record(z.string(), z.unknown())

  const updated = z.looseObject({from: z.string(), version: z.string(), id: z.string(), channel: z.string().nullable(), changed: z.boolean(), resumed: count})
  const installedVersion = z.looseObject({id: z.string(), version: z.string(), state: z.enum(['current', 'installed']), createdAt: z.string(), node: z.string().nullable()})

  const streamEvent = z.discriminatedUnion('type', [
    event('started', {runtime: z.string(), kernel: z.string().optional(), attached: z.boolean().optional(), notebook: z.string().optional(), output: z.string().optional()}),
    event('stdout', output),
    event('stderr', output),
    event('display', {kind: z.string(), mime: mimeBundle, metadata: mimeBundle.optional(), executionCount: z.int().optional(), displayId: z.string().optional()}),
    event('progress', {message: z.string(), detail: z.string().optional(), done: z.number().optional(), total: z.number().optional()}),
    event('input_request', {prompt: z.string(), password: z.boolean()}),
    event('artifact', {path: z.string(), size: count, sha256}),
    event('cost', {amount: z.number(), unit: z.string(), durationSeconds: seconds.optional()}),
    event('reconnecting', {reason: z.string()}),
    event('reconnected', {}),
    event('notice', {code: z.string(), message: z.string()}),
    event('finished', {
      exitStatus: z.int(), durationSeconds: seconds, status: z.string().optional(),
      error: z.looseObject({name: z.string().optional(), code: z.string().optional(), message: z.string(), traceback: z.array(z.string()).optional()}).optional(),
    }),
  ])

  const accelerator = z.looseObject({
    id: z.string(), kind: z.string(), name: z.string(), aliases: z.array(z.string()).optional(), memoryBytes: count.optional(), available: z.boolean(), reason: z.string().optional(),
  })
  const runtime = z.looseObject({
    id: z.string(), name: z.string(), provider: z.string(), state: z.string(), accelerator, createdAt: z.string(), url: z.string(),
    origin: z.string(), ephemeral: z.boolean(), verifiedAt: z.string().optional(), account: z.string().optional(),
    hourlyRate: z.number().optional(), idleTimeoutSeconds: seconds.optional(), expiresAt: z.string().optional(),
    lease: z.looseObject({seconds, until: z.string()}).optional(), isDefault: z.boolean(), checkedAt: z.string().nullable(),
    problem: z.string().optional(),
  })
  const released = z.looseObject({
    id: z.string(), name: z.string(), provider: z.string(), durationSeconds: seconds, stopped: z.boolean(), computeUnits: z.number().optional(),
  })
  const browserUrl = z.looseObject({runtime: z.string(), url: z.string(), opened: z.boolean()})
  const usage = z.looseObject({
    provider: z.string(), account: z.string(), tier: z.string(), balance: z.number().optional(), hourlyRate: z.number().optional(),
    secondsLeft: seconds.optional(), runtimes: count.optional(), free: z.looseObject({remaining: z.number(), refillsAt: z.string().optional()}).optional(),
  })
  const reaped = z.looseObject({provider: z.string(), id: z.string(), name: z.string().optional(), reason: z.string()})
  const account = z.looseObject({id: z.string(), kind: z.string(), email: z.string(), name: z.string().optional(), scopes: z.array(z.string())})
  const accountStatus = z.looseObject({
    ...account.shape, active: z.boolean(), state: z.string(), reason: z.string().optional(), store: z.string(), clientId: z.string().optional(),
    createdAt: z.string().optional(), tokenExpiresAt: z.string().optional(),
  })
  const configEntry = z.looseObject({key: z.string(), value: z.union([z.string(), z.boolean(), z.null()]), source: z.string(), origin: z.string()})
  const cellError = z.looseObject({name: z.string(), value: z.string(), traceback: z.array(z.string())})
  const display = z.looseObject({
    kind: z.string(), data: mimeBundle, metadata: mimeBundle, executionCount: z.int().optional(), displayId: z.string().optional(),
  })
  const captured = {stdout: z.string(), stderr: z.string(), truncated: z.boolean(), displays: z.array(display)}
  const exec = z.looseObject({
    id: z.string(), runtime: z.string(), kernel: z.looseObject({id: z.string(), name: z.string()}), status: z.string(), exitStatus: z.int(),
    executionCount: z.int().optional(), error: cellError.optional(), nextInput: z.string().optional(), durationSeconds: seconds, stdoutBytes: count, stderrBytes: count, ...captured,
  })
  const conversation = z.looseObject({runtime: z.string(), cells: z.array(exec)})
  const jupyterWay = z.looseObject({runtime: z.string(), url: z.string(), port: z.int(), token: z.string(), pid: z.int()})
  const artifact = z.looseObject({path: z.string(), size: count, sha256})
  const detached = z.looseObject({
    id: z.string(), runtime: z.string(), state: z.string(), exitStatus: z.int().nullable(), releases: z.boolean(), attached: z.boolean(),
  })
  const peaks = {reason: z.string().optional(), peakMemoryBytes: count.optional(), peakGpuMemoryBytes: count.optional()}
  const finishedRun = z.looseObject({
    id: z.string(), runtime: z.string(), exitStatus: z.int(), signal: z.string().nullable(), startedAt: z.string(), durationSeconds: seconds,
    stdoutBytes: count, stderrBytes: count, outputs: z.array(artifact), missingOutputs: z.array(z.string()), ...peaks, ...captured,
  })
  const run = z.union([finishedRun, detached])
  const terminal = z.looseObject({
    id: z.string(), name: z.string(), runtime: z.string(), state: z.enum(['attached', 'detached']), createdAt: z.string(), clients: z.int(), rows: z.int(), cols: z.int(),
    foreground: z.string().nullable(), idleSeconds: seconds, argv: z.array(z.string()), cwd: z.string(),
  })
  const commanded = z.looseObject({
    id: z.string(), runtime: z.string(), exitStatus: z.int(), signal: z.string().nullable(), durationSeconds: z.number(), stdout: z.string(), stderr: z.string(), truncated: z.boolean(),
  })
  const portForward = z.looseObject({
    id: z.string(), runtime: z.string(), pid: z.int(), createdAt: z.string(), background: z.boolean(), state: z.string(), reason: z.string().nullable(),
    forwards: z.array(z.looseObject({local: z.string(), remote: z.string(), reverse: z.boolean()})), open: z.int(), connections: z.int(), bytesSent: z.int(), bytesReceived: z.int(),
  })
  const kernel = z.looseObject({
    id: z.string(), name: z.string().nullable(), spec: z.string(), language: z.string(), state: z.string(),
    connections: z.int().nullable(), lastActivityAt: z.string().nullable(), path: z.string().nullable(),
  })
  const job = z.looseObject({
    id: z.string(), runtime: z.string(), state: z.string(), exitStatus: z.int().nullable(), signal: z.string().nullable(),
    createdAt: z.string().nullable(), endedAt: z.string().nullable(), stdoutBytes: count, stderrBytes: count, argv: z.array(z.string()).optional(),
    command: z.array(z.string()).optional(), checkedAt: z.string().nullable(), releases: z.boolean(), retryOf: z.string().optional(),
    attempt: count.optional(), heartbeatAt: z.string().optional(), droppedBytes: count.optional(), logBytes: count.optional(), diskFull: z.boolean().optional(), machineGone: z.boolean().optional(), ...peaks,
  })
  const moved = z.looseObject({
    id: z.string(), from: z.string(), runtime: z.string(), state: z.string(), exitStatus: z.null(), releases: z.boolean(), restartsLeft: count,
  })
  const jobLogs = z.looseObject({id: z.string(), runtime: z.string(), state: z.string(), exitStatus: z.int().nullable(), ...captured})
  const why = z.looseObject({
    id: z.string(), runtime: z.string(), state: z.string(), exitStatus: z.int().nullable(),
    diagnoses: z.array(z.looseObject({code: z.string(), cause: z.string(), evidence: z.array(z.string()), next: z.array(z.string())})),
  })
  const attached = z.looseObject({
    id: z.string(), runtime: z.string(), exitStatus: z.int(), signal: z.string().nullable(), startedAt: z.string(), durationSeconds: seconds,
    stdoutBytes: count, stderrBytes: count, logOffset: count, outputs: z.array(artifact), ...peaks, ...captured,
  })
  const copied = z.looseObject({from: z.string(), to: z.string(), size: count, sha256})
  const fetched = copied.extend({resumed: count})
  const fileEntry = z.looseObject({
    name: z.string(), path: z.string(), type: z.string(), size: count, mode: z.string().regex(/^[0-7]{4}$/), modifiedAt: z.iso.datetime(), target: z.string().optional(),
    pathBase64: z.string().optional(),
  })
  const fileFacts = fileEntry.extend({
    real: z.string(), links: count, onDisk: count, inode: z.number(), owner: z.string(), group: z.string(), uid: count, gid: count, changedAt: z.iso.datetime(), accessedAt: z.iso.datetime(),
    sha256: sha256.optional(),
  })
  const fileContent = z.looseObject({path: z.string(), size: count, encoding: z.enum(['utf8', 'base64']), content: z.string(), truncated: z.boolean()})
  const driveMounted = z.looseObject({runtime: z.string(), path: z.string(), already: z.boolean()})
  const driveUnmounted = z.looseObject({runtime: z.string(), unmounted: z.boolean()})
  const secret = z.looseObject({name: z.string(), sources: z.array(z.string())})
  const daemon = z.union([
    z.looseObject({
      state: z.literal('running'), pid: z.int(), version: z.string(), build: z.string(), protocol: z.int(), startedAt: z.string(), memoryBytes: count, cpuSeconds: seconds,
      socket: z.string(), sessions: z.array(z.looseObject({runtime: z.string(), running: z.int(), idleSeconds: seconds})), running: z.int(), executions: z.int(),
      tasks: z.array(z.looseObject({name: z.string(), state: z.string(), ranAt: z.string().nullable()})),
    }),
    z.looseObject({state: z.enum(['stopped', 'unresponsive']), why: z.string(), pid: z.int().optional()}),
  ])
  const scheduleRun = z.looseObject({
    run: z.int().positive(), state: z.string(), reason: z.string().nullable(), dueAt: z.string().nullable(), lastDueAt: z.string().nullable(), startedAt: z.string().nullable(),
    endedAt: z.string().nullable(), exitStatus: z.int().nullable(), pid: z.int().nullable(),
  })
  const schedule = z.looseObject({
    id: z.string(), name: z.string(), state: z.string(), argv: z.array(z.string()), cwd: z.string(), cron: z.string().nullable(), timezone: z.string().nullable(),
    everySeconds: z.int().positive().nullable(), missed: z.string(), createdAt: z.string(), nextAt: z.string().nullable(), lastRun: scheduleRun.nullable(),
  })
  const doctorCheck = z.looseObject({id: z.string(), title: z.string(), state: z.string(), message: z.string(), fix: z.string().optional()})
  const historyEntry = z.looseObject({
    id: z.string(), kind: z.string(), status: z.string(), state: z.string(), createdAt: z.string(), startedAt: z.string(), endedAt: z.string().optional(),
    durationSeconds: seconds.optional(), exitStatus: z.int().optional(), category: z.string().optional(), code: z.string().optional(), message: z.string().optional(),
    traceback: z.string().optional(), runtime: z.looseObject({id: z.string(), name: z.string(), provider: z.string()}).optional(),
    accelerator: z.looseObject({kind: z.string(), id: z.string()}).optional(), account: z.string().optional(), cwd: z.string(), kernel: z.string().optional(),
    command: z.looseObject({
      code: z.string().optional(), file: z.string().optional(), script: z.string().optional(), args: z.array(z.string()).optional(), argv: z.array(z.string()).optional(),
      sha256: sha256.optional(), cut: z.looseObject({bytes: count, sha256}).optional(), redacted: z.boolean().optional(),
    }),
    envNames: z.array(z.string()), packages: z.array(z.string()).optional(), requirements: z.string().optional(), outputs: z.array(z.string()).optional(),
    artifacts: z.array(z.string()).optional(), spec: z.record(z.string(), z.unknown()), given: z.record(z.string(), z.unknown()).optional(),
    stdoutBytes: count.optional(), stderrBytes: count.optional(), tail: z.looseObject({stdout: z.string().optional(), stderr: z.string().optional()}).optional(),
    peakMemoryBytes: count.optional(), cost: z.looseObject({amount: z.number(), unit: z.string()}).optional(), version: z.string(),
  })
  const statRow = z.looseObject({
    key: z.string(), count, ok: count, failed: count, successRate: z.number().nullable(), totalSeconds: seconds, medianSeconds: seconds.nullable(), p95Seconds: seconds.nullable(),
  })
  const historyStats = z.looseObject({
    total: statRow, by: z.string(), groups: z.array(statRow), topErrors: z.array(z.looseObject({code: z.string(), count, message: z.string()})),
  })
  const debugLog = z.looseObject({
    id: z.string(), time: z.string(), command: z.string(), exitStatus: z.int().nullable(), bytes: count, path: z.string(), text: z.string().optional(),
  })
  const failure = z.looseObject({
    schema: z.literal(1), ok: z.literal(false), command: z.string(), warnings: z.array(z.string()),
    error: z.looseObject({
      code: z.string().regex(/^[A-Z][A-Z0-9_]*$/), category: z.string(), message: z.string(), fix: z.string().nullable(), retryable: z.boolean(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  /** The envelope of a command that answers with `data`. */
  const envelope = <T extends Zod.ZodType>(command: string, data: T) => z.union([
    z.looseObject({schema: z.literal(1), ok: z.literal(true), command: z.literal(command), data, warnings: z.array(z.string())}),
    failure,
  ])
  return {streamEvent, updated, installedVersion, accelerator, runtime, released, browserUrl, usage, reaped, account, accountStatus, configEntry, exec, conversation, jupyterWay, artifact, run, finishedRun, terminal, commanded, kernel, portForward, job, jobLogs, moved, why, attached, copied, fetched, fileEntry, fileFacts, fileContent, daemon, driveMounted, driveUnmounted, secret, schedule, scheduleRun, doctorCheck, historyEntry, historyStats, debugLog, failure, envelope}
}
