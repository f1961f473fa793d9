import {errors} from '@cgpu/plugin-sdk'
import {batchFlags, isBatch} from '../batch/flags.ts'

/** Flags of `notebook run` that a run which is left running cannot have: why, and what to do instead. */
export const refusedFlags: Readonly<Record<string, {why: string; fix: string}>> = {
  inplace: {why: 'the notebook may be edited before its copy comes back', fix: 'leave it out, and take the copy there later: cgpu notebook fetch ID -o NOTEBOOK'},
  stdin: {why: 'nobody is there to answer', fix: 'give what it asks for as a parameter: -p NAME VALUE'},
  secret: {why: 'secrets are asked of this computer, which may be switched off', fix: 'leave out --secret or --detach'},
  'log-output': {why: 'nobody is there to read', fix: 'leave it out, and follow it with it: cgpu notebook attach ID --log-output'},
  'keep-kernel': {why: 'its kernel ends with it', fix: 'leave it out: --changed, --from-failed and --resume go by the executed copy'},
  'fresh-kernel': {why: 'its kernel is a fresh one', fix: 'leave it out'},
  'fetch-to': {why: 'what comes back lies beside the copy', fix: 'leave it out, and say where the copy goes: cgpu notebook fetch ID -o DIR/NAME.ipynb'},
  watch: {why: 'it runs once', fix: 'leave out --watch or --detach'},
  ...Object.fromEntries(Object.keys(batchFlags).map((name) => [name, {why: 'the runs of a batch are told of by this computer', fix: 'start each notebook with a --detach of its own'}])),
}

/** Throws USAGE (64) for the first of the flags that does not go with `--detach`. */
export function refuseWithDetach(notebooks: readonly string[], flags: Readonly<Record<string, unknown>>, output: string): void {
  for (const [name, {why, fix}] of Object.entries(refusedFlags)) {
    if (flags[name] !== undefined && flags[name] !== false) throw errors.usage(`--${name} does not go with --detach: ${why}`, {code: 'USAGE', fix})
  }
  if (isBatch(notebooks, flags)) throw errors.usage('several runs cannot be left running by one command', {code: 'USAGE', fix: 'start each with a --detach of its own'})
  if (output === '-') throw errors.usage('a notebook that is left running cannot print its copy', {code: 'USAGE', fix: 'give -o FILE, and print it later: cgpu notebook fetch ID -o -'})
}
