import {randomUUID} from 'node:crypto'
import type {Channel} from './contract.ts'
import type {Outgoing} from './framing.ts'

/** A new message of ours; ids are random, so that no two clients of a kernel ever share a parent. */
export function newMessage(
  session: string, channel: Channel, msgType: string, content: object, extra: {buffers?: readonly Uint8Array[]; metadata?: Record<string, unknown>; parent?: object; id?: string} = {},
): Outgoing & {id: string} {
  const id = extra.id ?? randomUUID()
  return {
    id,
    channel,
    header: {msg_id: id, msg_type: msgType, username: 'cgpu', session, date: new Date().toISOString(), version: '5.3'},
    parent_header: {...extra.parent},
    metadata: {...extra.metadata},
    content: {...content},
    buffers: extra.buffers ?? [],
  }
}
