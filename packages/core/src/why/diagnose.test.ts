import assert from 'node:assert/strict'
import {diagnose} from './diagnose.ts'
import type {Evidence} from './evidence.ts'
import {packageOf} from './packages.ts'

const base: Evidence = {id: '0abc', runtime: 'trainer', kind: 'job', state: 'exited', exitStatus: 1, signal: null, lines: []}
const GiB = 2 ** 30

const cases: [code: string, evidence: Partial<Evidence>, cause: RegExp, next: RegExp][] = [
  ['STILL_RUNNING', {state: 'running', exitStatus: null}, /still running/, /cgpu job attach 0abc/],
  ['OK', {exitStatus: 0, lines: ['CUDA out of memory was caught']}, /ended well/, /^$/],
  ['CANCELLED', {exitStatus: 143, signal: 'SIGTERM', reason: 'cancelled'}, /was cancelled/, /cgpu job retry 0abc/],
  ['RUNTIME_RECLAIMED', {state: 'lost', exitStatus: null, machineGone: true}, /trainer was taken away/, /cgpu job retry 0abc/],
  ['RUNTIME_RECLAIMED', {kind: 'exec', state: 'error', error: {code: 'RUNTIME_RECLAIMED', message: 'trainer was taken away'}}, /taken away/, /cgpu history rerun 0abc/],
  ['GPU_OUT_OF_MEMORY', {lines: ['Traceback (most recent call last):', 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 GiB.']}, /memory of the GPU/, /--gpu a100/],
  ['GPU_OUT_OF_MEMORY', {lines: ['jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.']}, /GPU/, /batch/],
  ['OUT_OF_MEMORY', {exitStatus: 137, signal: 'SIGKILL', reason: 'oom', peakMemoryBytes: 12 * GiB, memoryBytes: 12.7 * GiB}, /memory of the machine/, /--high-ram/],
  ['OUT_OF_MEMORY', {exitStatus: 137, signal: 'SIGKILL', peakMemoryBytes: 12 * GiB, memoryBytes: 12.7 * GiB}, /memory of the machine/, /--high-ram/],
  ['OUT_OF_MEMORY', {lines: ['MemoryError']}, /memory of the machine/, /--high-ram/],
  ['DISK_FULL', {lines: ['OSError: [Errno 28] No space left on device: \'ckpt/9.pt\'']}, /disk/, /df -h/],
  ['DISK_FULL', {diskFull: true}, /disk/, /df -h/],
  ['MISSING_MODULE', {lines: ["ModuleNotFoundError: No module named 'sklearn'"]}, /sklearn is not installed/, /--packages scikit-learn/],
  ['NO_GPU', {lines: ['RuntimeError: Found no NVIDIA driver on your system.']}, /wanted a GPU/, /--gpu t4/],
  ['SYNTAX_ERROR', {lines: ['  File "/content/train.py", line 7', '    if x = 1:', 'SyntaxError: invalid syntax']}, /line 7 of \/content\/train.py/, /cgpu job retry/],
  ['TOKEN_REFUSED', {lines: ['huggingface_hub.errors.GatedRepoError: 401 Client Error.']}, /refused its token/, /--secret NAME/],
  ['TOKEN_REFUSED', {lines: ['requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://api.wandb.ai']}, /refused its token/, /--secret NAME/],
  ['MISSING_FILE', {lines: ["FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'"]}, /no file data\/train.csv/, /--include data\/train.csv/],
  ['COMMAND_NOT_FOUND', {exitStatus: 127, lines: ['sh: 1: nvcc: not found']}, /no command nvcc/, /cgpu job retry/],
  ['MISSING_FILE', {exitStatus: 127, lines: ['bash: x.sh: No such file or directory']}, /no file x\.sh/, /--include x\.sh/],
  ['MISSING_FILE', {exitStatus: 2, lines: ["ls: cannot access 'data/x': No such file or directory"]}, /no file data\/x/, /--include data\/x/],
  ['MISSING_FILE', {exitStatus: 126, lines: ['bash: ./x.sh: /bin/zsh: bad interpreter: No such file or directory']}, /no file \/bin\/zsh/, /--include PATH/],
  ['NOT_STARTED', {state: 'lost', exitStatus: null, error: {code: 'COMMAND_NOT_STARTED', message: 'no folder nodir'}}, /could not be started/, /--cwd/],
  ['JOB_LOST', {state: 'lost', exitStatus: null, error: {code: 'JOB_LOST', message: ''}}, /vanished at once/, /cgpu job retry/],
  ['NOT_STARTED', {exitStatus: 127, error: {code: 'COMMAND_NOT_STARTED', message: 'command not found: trian'}}, /could not be started/, /--cwd/],
  ['KERNEL_DIED', {kind: 'exec', state: 'error', error: {code: 'KERNEL_DEAD', message: 'the kernel on trainer died'}}, /kernel on trainer died/, /cgpu history rerun/],
  ['SIGN_IN', {kind: 'run', state: 'error', error: {code: 'AUTH_REQUIRED', message: 'sign in'}}, /account/, /cgpu auth login/],
  ['QUOTA', {kind: 'run', state: 'error', error: {code: 'QUOTA_EXCEEDED', message: 'no more'}}, /gave no machine/, /cgpu usage/],
  ['TIMED_OUT', {kind: 'exec', state: 'interrupted', error: {code: 'EXEC_TIMEOUT', message: 'interrupted after 5 s'}}, /--timeout/, /--timeout 2h/],
  ['NETWORK', {lines: ['urllib3.exceptions.MaxRetryError: HTTPSConnectionPool(host=x)']}, /could not reach/, /check the address/],
  ['PERMISSION_DENIED', {lines: ["PermissionError: [Errno 13] Permission denied: '/root/x'"]}, /may not do that/, /path/],
  ['JOB_LOST', {state: 'lost', exitStatus: null}, /vanished at once/, /cgpu job retry/],
  ['KILLED_BY_SIGNAL', {exitStatus: 139, signal: 'SIGSEGV'}, /segmentation fault/, /PYTHONFAULTHANDLER/],
  ['KILLED_BY_SIGNAL', {exitStatus: 137, signal: 'SIGKILL', peakMemoryBytes: GiB, memoryBytes: 12 * GiB}, /something killed it/, /--high-ram/],
  ['KILLED_BY_SIGNAL', {exitStatus: 162, signal: 'SIGRT34'}, /killed by SIGRT34/, /retry/],
  ['EXCEPTION', {lines: ['Traceback (most recent call last):', '  File "a.py", line 1, in <module>', 'ValueError: shapes (3,) and (4,) not aligned']}, /ValueError: shapes/, /cgpu logs 0abc --tail 40/],
  ['UNEXPLAINED', {exitStatus: 3, lines: ['', 'giving up', '']}, /ended with status 3/, /cgpu logs 0abc/],
]

describe('why something failed', () => {
  for (const [code, evidence, cause, next] of cases) {
    it(`is ${code} for ${JSON.stringify(evidence).slice(0, 90)}`, () => {
      const [first] = diagnose({...base, ...evidence})
      assert.equal(first?.code, code)
      assert.match(first.cause, cause)
      assert.match(first.next.join('\n'), next)
      if (code !== 'STILL_RUNNING') assert.ok(first.evidence.every((line) => line !== ''), 'says what it goes by')
    })
  }

  it('is told by the line that says it, the last one', () => {
    const [first] = diagnose({...base, lines: ["ModuleNotFoundError: No module named 'apex'", 'going on without apex', "ModuleNotFoundError: No module named 'yaml'"]})
    assert.deepEqual(first?.evidence, ["ModuleNotFoundError: No module named 'yaml'"])
    assert.match(first.next[0] ?? '', /--packages PyYAML/)
  })

  it('says once that a job is lost', () => {
    assert.equal(diagnose({...base, state: 'lost', exitStatus: null, error: {code: 'JOB_LOST', message: 'it vanished'}}).length, 1)
  })

  it('does not say that a machine was taken away which was released', () => {
    assert.deepEqual(diagnose({...base, state: 'lost', exitStatus: null, reason: 'cancelled', machineGone: true}).map(({code}) => code), ['CANCELLED'])
  })

  it('names other causes behind the first', () => {
    const codes = diagnose({...base, exitStatus: 137, signal: 'SIGKILL', reason: 'oom', lines: ['OSError: [Errno 28] No space left on device']}).map((one) => one.code)
    assert.deepEqual(codes.slice(0, 2), ['OUT_OF_MEMORY', 'DISK_FULL'])
  })

  it('knows packages by their modules', () => {
    assert.deepEqual(['cv2', 'PIL.Image', 'torch_geometric', 'numpy'].map(packageOf), ['opencv-python-headless', 'pillow', 'torch-geometric', 'numpy'])
  })
})
