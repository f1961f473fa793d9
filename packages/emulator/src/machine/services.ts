import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import type {MachineGate} from '../contract.ts'

/** What a machine's own programs ask of the backend: what Colab has behind TBE_RUNTIME_ADDR and TBE_EPHEM_CREDS_ADDR. */
export class MachineServices {
  /** host:port */
  readonly address: string
  private readonly server: Server

  private constructor(server: Server) {
    this.server = server
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  static async start(endpoint: string, gate: MachineGate): Promise<MachineServices> {
    const server = createServer((request, response) => void answer(request, response, endpoint, gate))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    server.unref()
    return new MachineServices(server)
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.server.close(resolve)
      this.server.closeAllConnections()
    })
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, endpoint: string, gate: MachineGate): Promise<void> {
  const what = `${request.method} ${request.url?.split('?', 1)[0]}`
  try {
    // a page in a browser could reach this port too; the machine's programs send no Origin
    if (request.headers.origin !== undefined) return send(response, 403, {error: 'not for web pages'})
    if (what === 'POST /unassign') {
      send(response, 200, {})
      // the machine is stopped by this, and its program should see the answer before
      return await new Promise<void>((resolve) => response.once('close', resolve)).then(() => gate.unassign(endpoint))
    }
    if (what === 'GET /drive') {
      const folder = await gate.driveFolder(endpoint)
      return folder === null ? send(response, 403, {error: 'credentials were not propagated'}) : send(response, 200, {folder})
    }
    send(response, 404, {error: 'not found'})
  } catch (error) {
    if (!response.headersSent) send(response, 500, {error: error instanceof Error ? error.message : 'failed'})
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {'content-type': 'application/json', 'content-length': Buffer.byteLength(text), connection: 'close'})
  response.end(text)
}
