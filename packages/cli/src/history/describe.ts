import {createHash} from 'node:crypto'
import {readFile, stat} from 'node:fs/promises'
import {resolve} from 'node:path'
import type {BeginFields, HistoryCommand, SpecFlags} from '@cgpu/core/history/entry'
import type {HistoryRedactor} from '@cgpu/core/history/redact'
import type {RuntimeRecord} from '@cgpu/core/runtime/record'
import type {RuntimeWish} from '../runtime-request.ts'

/** More of a command than a line of the history holds: what follows is not kept, and no pattern need look through megabytes. */
const longest = 40 * 1024

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** The command as the history may keep it. */
export async function cleanCommand(command: HistoryCommand, redactor: HistoryRedactor): Promise<HistoryCommand> {
  const {code, file, script, notebook, args, argv} = command
  const ran = script ?? notebook
  const kept = code?.slice(0, longest)
  const clean: HistoryCommand = {
    ...command,
    ...(kept === undefined ? {} : {code: redactor.text(kept)}),
    ...(args ? {args: redactor.args(args)} : {}),
    ...(argv ? {argv: redactor.args(argv)} : {}),
  }
  const differs = (a: readonly string[] = [], b: readonly string[] = []): boolean => a.some((one, i) => one !== b[i])
  const redacted = clean.code !== kept || differs(args, clean.args) || differs(argv, clean.argv)
  const hash = ran !== undefined ? await sha256Of(ran) : code !== undefined && file !== undefined ? sha256(code) : undefined
  return {
    ...clean,
    ...(hash === undefined ? {} : {sha256: hash}),
    ...(code !== undefined && code.length > longest ? {cut: {bytes: Buffer.byteLength(code), sha256: sha256(code)}} : {}),
    ...(redacted ? {redacted} : {}),
  }
}

/** Undefined for a file that is big or cannot be read: whoever runs it tells of that. */
export async function sha256Of(path: string): Promise<string | undefined> {
  try {
    const local = resolve(path)
    return (await stat(local)).size > 8 * 1024 * 1024 ? undefined : sha256(await readFile(local))
  } catch {
    return undefined
  }
}

export function machineOf(on: RuntimeRecord | undefined): Pick<BeginFields, 'runtime' | 'accelerator' | 'account'> {
  if (!on) return {}
  const {id, name, provider, accelerator, account} = on
  return {runtime: {id, name, provider}, accelerator: {kind: accelerator.kind, id: accelerator.id}, ...(account === undefined ? {} : {account})}
}

/** What to ask for to get a machine like this one. */
export function specOf({provider, requested}: RuntimeRecord): SpecFlags {
  return {provider, ...acceleratorFlags(requested)}
}

/** The same for a machine that is only wished for yet. */
export function specOfWish({provider, spec: {accelerator, highRam, image}}: RuntimeWish): SpecFlags {
  return {provider, ...acceleratorFlags(accelerator), ...(highRam ? {'high-ram': true} : {}), ...(image === undefined ? {} : {image})}
}

export function acceleratorFlags(wanted: RuntimeRecord['requested']): SpecFlags {
  return wanted.kind === 'cpu' ? {cpu: true} : {[wanted.kind]: wanted.model ?? 'any'}
}
