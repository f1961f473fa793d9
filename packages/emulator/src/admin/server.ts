import {getRequestListener} from '@hono/node-server'
import type {Emulator} from '../emulator.ts'
import {HttpFrame} from '../frame/frame.ts'
import {RequestLog} from '../frame/request-log.ts'
import {adminApp} from './app.ts'

/** The admin API on a port of its own: neither logged nor met by faults. `stop` by it closes the emulator. */
export async function startAdmin(emulator: Emulator, port?: number): Promise<{url: string; close(): Promise<void>}> {
  const frame = new HttpFrame({log: new RequestLog({keep: 1}), now: () => emulator.clock.now()})
  const app = adminApp(emulator, () => {
    // once the answer is out
    setTimeout(() => void emulator.close(), 20)
  })
  const listener = getRequestListener(app.fetch, {overrideGlobalObjects: false})
  return frame.listen('control', {request: (request, response) => void listener(request, response)}, port === undefined ? {} : {port})
}
