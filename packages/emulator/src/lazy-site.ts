import type {SiteHandler} from './contract.ts'

/** A site that listens at once, and whose code is loaded just after, or by its first request. */
export function lazySite(load: () => Promise<SiteHandler>): SiteHandler {
  let handler: Promise<SiteHandler> | undefined
  const loaded = (): Promise<SiteHandler> => (handler ??= load())
  return {
    request(request, response) {
      loaded().then((one) => one.request(request, response), (error: unknown) => {
        process.emitWarning(error instanceof Error ? error : String(error))
        response.writeHead(500, {'content-type': 'text/plain'}).end('the emulator could not load')
      })
    },
    upgrade(request, socket, head) {
      const refuse = (): void => void socket.destroy()
      loaded().then((one) => one.upgrade ? one.upgrade(request, socket, head) : refuse(), refuse)
    },
  }
}
