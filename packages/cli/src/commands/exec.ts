import {string as stringArg} from '@oclif/core/args'
import {boolean, string} from '@oclif/core/flags'
import {errors} from '@cgpu/core/errors'
import {Execution} from '@cgpu/core/execution/exec'
import {newRunId} from '@cgpu/core/execution/id'
import {type ExecutionRequest, withEnv, withExecution} from '@cgpu/plugin-sdk'
import {startDaemonLater} from '../daemon/start-later.ts'
import {outputFlag, runtimeFlag} from '../flags.ts'
import {begunExec} from '../history/begun.ts'
import {readSmallFile, readStdin} from '../input.ts'
import {type ExecResult, finishExec} from '../run/exec-result.ts'
import {kernelHost, refuseSecrets} from '../run/kernel-host.ts'
import {parseTimeLimit} from '@cgpu/core/text/time-limit'
import {StreamCommand} from '../run/stream-command.ts'
import {StdinLines} from '../run/stdin-lines.ts'
import {secretFlag} from '../secret-flag.ts'

/** Runs code on a runtime's kernel, where variables live on between calls. */
export default class Exec extends StreamCommand<ExecResult> {
  static override args = {code: stringArg({description: 'the code; - reads it from stdin'})}
  static override description = 'The kernel keeps its variables between calls. Ctrl-C interrupts the code, a second one leaves it running.\n\nExit status: 0, 1 for an exception, the status of sys.exit(), 130 when interrupted, 71 when the kernel died.'
  static override examples = [
    {command: `<%= config.bin %> exec "x = 41"`, description: 'set a variable on the kernel'},
    {command: `<%= config.bin %> exec "x + 1"`, description: 'use it in a later call: prints 42'},
    {command: '<%= config.bin %> exec --secret HF_TOKEN -f train.py', description: 'on Colab: code that calls userdata.get("HF_TOKEN")'},
    {command: 'echo "print(1)" | <%= config.bin %> exec -', description: 'run what comes on stdin'},
  ]
  static override flags = {
    ...runtimeFlag,
    ...outputFlag,
    ...secretFlag,
    ...withEnv({
      file: string({char: 'f', summary: 'run the code in this file', helpValue: 'FILE'}),
      kernel: string({summary: 'the kernel to use, by the name of its kernelspec', helpValue: 'NAME'}),
      'new-kernel': boolean({summary: 'use a kernel of its own, ended afterwards'}),
      'output-dir': string({summary: 'where images are saved; default: the current folder', helpValue: 'DIR'}),
      timeout: string({summary: 'interrupt the code after so long, such as 90s, 10m, 2h', helpValue: 'TIME'}),
    }),
  }
  static override summary = 'run code on a kernel'

  async run(): Promise<ExecResult> {
    const {args, flags} = await this.parse(Exec)
    const timeoutMs = flags.timeout === undefined ? undefined : parseTimeLimit(flags.timeout)
    const code = await this.#code(args.code, flags.file)
    const cgpu = await this.open(flags)
    const record = await cgpu.runtimes.select(flags.runtime)
    const sink = await this.sink({output: flags.output, imageDir: flags['output-dir'] ?? '.'})
    const granted = flags.secret ?? []
    let secrets: Record<string, string> = {}
    const host = await kernelHost({granted, onGranted: (values) => void (secrets = values), asks: sink.kind === 'text' && args.code !== '-', ...this.secretPlaces(cgpu), onEvent: sink.onEvent})
    const session = await cgpu.connect(record, {
      onLink: (state, reason) => void sink.onEvent(state === 'reconnecting' ? {type: 'reconnecting', reason} : {type: 'reconnected'}),
    })
    const id = newRunId()
    const lines = args.code === '-' ? undefined : new StdinLines()
    try {
      refuseSecrets(granted, session)
      const request: ExecutionRequest = {id, kind: 'exec', runtime: {id: record.id, name: record.name, provider: record.provider}, code, envNames: []}
      const outcome = await this.recorded(cgpu, begunExec(request, record, {code}, flags, secrets), () => withExecution(
        this,
        request,
        {},
        () => {
          const execution = new Execution(session, {
            id,
            code,
            kernel: flags.kernel ?? cgpu.settings.text('kernel'),
            freshKernel: flags['new-kernel'],
            timeoutMs,
            host,
            onEvent: sink.onEvent,
            ...(lines ? {onInput: (_prompt: string, password: boolean) => lines.next(password)} : {}),
          })
          return this.interruptible(execution.result, {
            first: () => execution.interrupt(),
            leave: () => `the code goes on on ${record.name}`,
          })
        },
        (ended) => ended,
      ), (ended) => ended)
      return await finishExec(outcome, record.name, sink, {exitWith: (status) => this.exitWith(status), failWith: this.failWith.bind(this)})
    } finally {
      lines?.close()
      await session.close()
      startDaemonLater(cgpu.dirs, cgpu.settings)
    }
  }

  protected override get carriesCode(): boolean {
    return true
  }

  async #code(given: string | undefined, file: string | undefined): Promise<string> {
    if (given !== undefined && file !== undefined) throw errors.usage('code and --file exclude each other', {code: 'USAGE', fix: 'give one of them'})
    if (file !== undefined) return readSmallFile(file, 'file')
    if (given === '-') return readStdin(8 * 1024 * 1024)
    if (given === undefined) throw errors.usage('no code to run', {code: 'NO_CODE', fix: 'cgpu exec "print(1)", cgpu exec -f FILE, or cgpu exec - < FILE'})
    return given
  }
}
