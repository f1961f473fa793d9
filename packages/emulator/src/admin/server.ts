import type {Emulator} from '../emulator.ts'
import {HttpFrame} from '../frame/frame.ts'
import {RequestLog} from '../frame/request-log.ts'
import {lazySite} from '../lazy-site.ts'

/** The admin API on a port of its own: neither logged nor met by faults. `stop` by it closes the emulator. */
export async function startAdmin(emulator: Emulator, port?: number): Promise<{url: string; close(): Promise<void>}> {
  const frame = new HttpFrame({log: new RequestLog({keep: 1}), now: () => emulator.clock.now()})
  const site = lazySite(async () => {
    const [{getRequestListener}, {adminApp}] = await Promise.all([import('@hono/node-server'), import('./app.ts')])
    const app = adminApp(emulator, () => {
      // once the answer is out
      setTimeout(() => void emulator.close(), 20)
    })
    const listener = getRequestListener(app.fetch, {overrideGlobalObjects: false})
    return {request: (request, response) => void listener(request, response)}
  })
  return frame.listen('control', site, port === undefined ? {} : {port})
}
