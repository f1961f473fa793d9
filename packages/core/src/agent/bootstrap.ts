import type {ExecuteResult, KernelConnection} from '@cgpu/jupyter'
import {agentSource, agentVersion} from '@cgpu/runtime-agent'
import {errors} from '../errors.ts'
import {isObject, parseJson} from '../state/json.ts'

// One expression each: statements would leave names in the user's namespace. The module lives in sys.modules only.
const moduleName = '_cgpu_agent'
const key = 'cgpu'

/** JSON without non-ASCII characters is also a Python literal. */
function literal(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function callExpression(call: string, otherwise = 'None'): string {
  const there = `m is not None and m.VERSION == ${literal(agentVersion())}`
  return `(lambda m: m.${call} if ${there} else ${otherwise})(__import__("sys").modules.get(${literal(moduleName)}))`
}

function loadExpression(): string {
  const steps = [
    'm.__dict__.update(__source__=s)',
    'b.exec(b.compile(s, "<cgpu agent>", "exec"), m.__dict__)',
    '__import__("sys").modules.update({m.__name__: m})',
    'm.install()',
  ]
  const load = `(lambda s, m, b: (${steps.join(', ')})[-1])(${literal(agentSource())}, __import__("types").ModuleType(${literal(moduleName)}), __import__("builtins"))`
  return callExpression('install()', load)
}

/** Puts this version of the agent into a Python kernel, in place of any other. Leaves no trace in the user's namespace. */
export async function loadAgent(connection: KernelConnection, signal?: AbortSignal): Promise<void> {
  await evaluate(connection, loadExpression(), signal)
}

/** Calls a function of the agent in a kernel, loading the agent first where it is not there. Returns its JSON answer. */
export async function callAgent(connection: KernelConnection, call: string, signal?: AbortSignal): Promise<Record<string, unknown>> {
  for (const last of [false, true]) {
    const answer = await evaluate(connection, callExpression(call), signal)
    if (isObject(answer)) return answer
    if (!last) await loadAgent(connection, signal)
  }
  throw unusable('it does not keep what is loaded into it')
}

async function evaluate(connection: KernelConnection, expression: string, signal: AbortSignal | undefined): Promise<unknown> {
  let result: ExecuteResult | undefined
  for (let patience = 3_000; !result; patience = Math.min(2 * patience, 60_000)) result = await ask(connection, expression, patience, signal)
  const shown = result.userExpressions?.[key]
  const data = isObject(shown) && isObject(shown['data']) ? shown['data'] : undefined
  const text = data?.['text/plain']
  if (typeof text !== 'string') throw unusable(isObject(shown) ? `${String(shown['ename'])}: ${String(shown['evalue'])}` : 'it evaluates no expressions')
  if (text === 'None') return undefined
  try {
    return parseJson(text)
  } catch {
    throw unusable(`it answered ${text.slice(0, 80)}`)
  }
}

/** Undefined when it has to be asked again: all that is asked here may be asked twice. */
async function ask(connection: KernelConnection, expression: string, patience: number, signal: AbortSignal | undefined): Promise<ExecuteResult | undefined> {
  // what reaches a kernel in its last moments before a restart is never answered; a kernel that works answers later
  const late = AbortSignal.timeout(patience)
  try {
    // silent: no history, no In/Out, no execute_input; an empty cell whose expressions are evaluated
    const result = await connection.execute('', {
      silent: true, storeHistory: false, stopOnError: false, userExpressions: {[key]: expression},
      signal: signal ? AbortSignal.any([signal, late]) : late,
    })
    // another client's failing cell empties the queue, a lost reply says nothing, and a kernel that goes keeps nothing
    return result.status === 'aborted' || result.replyLost || result.orphaned ? undefined : result
  } catch (error) {
    signal?.throwIfAborted()
    const restarted = error instanceof Error && 'code' in error && error.code === 'KERNEL_RESTARTED'
    if (connection.state !== 'closed' && (late.aborted || restarted)) return undefined
    throw error
  }
}

function unusable(why: string): Error {
  return errors.network(`the agent cannot work in this kernel: ${why}`, {
    code: 'AGENT_UNUSABLE', category: 'kernel', fix: 'restart the kernel, or use an IPython kernel',
  })
}

/** A Python literal of a path or null. */
export function pythonLiteral(value: string | undefined): string {
  return value === undefined ? 'None' : literal(value)
}
