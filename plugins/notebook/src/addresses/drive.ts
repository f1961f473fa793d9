import {CgpuCommand, CgpuError, errors, type HookHost, type SchemeFiles} from '@cgpu/plugin-sdk'
import {openDrive, readNotebook, writeNotebook} from '../drive/client.ts'
import type {Drive} from '../drive/drive.ts'
import {lookForNotebook} from '../drive/find.ts'
import {refusal, tooLarge} from './problems.ts'

export const driveOf = (host: HookHost | undefined): SchemeFiles => driveFiles((use) => {
  if (host instanceof CgpuCommand) return openDrive(host, {use})
  throw errors.usage('Drive cannot be reached from here', {code: 'UNKNOWN_SCHEME', category: 'file', fix: 'get it first: cgpu notebook get'})
})

/** `drive:NAME`, `drive:ID`, `drive:LINK`: notebooks of an account's Google Drive, by their revisions. */
export function driveFiles(open: (use: 'read' | 'write') => Promise<Drive>): SchemeFiles {
  return {
    async read(address, {signal, maxBytes}) {
      const {file, bytes} = await readNotebook(await open('read'), address, {signal})
      if (bytes.length > maxBytes) throw tooLarge(address, maxBytes)
      return {data: bytes, version: file.revision ?? undefined}
    },

    async look(address) {
      const there = await lookForNotebook(await open('write'), address)
      return there ? (there.revision ?? undefined) : null
    },

    async write(address, file, {signal, replaces}) {
      const drive = await open('write')
      if (replaces === null && await lookForNotebook(drive, address)) throw refusal(address, {status: 412, doing: 'write', signIn: ''})
      try {
        const written = await writeNotebook(drive, address, new Uint8Array(await file.arrayBuffer()), {signal, expected: replaces ?? null})
        return written.file.revision ?? undefined
      } catch (error) {
        // another run's fix than that of a file here
        if (error instanceof CgpuError && error.code === 'DRIVE_CHANGED') throw refusal(address, {status: 412, doing: 'write', signIn: ''})
        throw error
      }
    },
  }
}
