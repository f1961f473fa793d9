import assert from 'node:assert/strict'
import {createHash, randomUUID} from 'node:crypto'
import {startControl, type TestControl} from '../../../../test/helpers/control-plane.ts'

/** The sequences of the protocol notes' appendix A, with the queries and headers of each client, as it reads the answers. */
describe('clients of Colab', () => {
  let control: TestControl
  let token: string
  const newNotebook = (): string => randomUUID().replaceAll('-', '_').padEnd(44, '.')
  const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: string | FormData): Promise<Response> => {
    const response = await fetch(control.url + path, {method, headers: {authorization: `Bearer ${token}`, ...headers}, ...(body !== undefined && {body})})
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`)
    return response
  }
  /** strips five characters when they are there, as VS, MU, GC and LE do */
  const read = async <T>(response: Response): Promise<T> => {
    const text = await response.text()
    return JSON.parse(text.startsWith(")]}'\n") ? text.slice(5) : text) as T
  }
  interface Assigned { endpoint: string; outcome?: number; runtimeProxyInfo: {token: string; url: string; tokenExpiresInSeconds: number} }

  beforeEach(async () => {
    control = await startControl()
    token = control.token
  })
  afterEach(() => control.stop())

  const paired = async <T>(path: string, headers: Record<string, string>): Promise<T | undefined> => {
    const {token: xsrf} = await read<{token: string}>(await ask('GET', path, headers))
    const response = await ask('POST', path, {...headers, 'X-Goog-Colab-Token': xsrf})
    return response.status === 204 ? undefined : read<T>(response)
  }

  it('A.1: VS Code creates a T4, refreshes its token, and removes it', async () => {
    const vs = {Accept: 'application/json', 'X-Colab-Client-Agent': 'vscode', 'X-Colab-VS-Code-App-Name': 'Visual Studio Code', 'X-Colab-VS-Code-Extension-Version': '0.9.1'}
    await ask('GET', '/v1/user-info', vs)
    const made = await paired<Assigned>(`/tun/m/assign?nbh=${newNotebook()}&variant=GPU&accelerator=T4&runtime_version_label=2025.10&authuser=0`, vs)
    assert.equal(made?.outcome, 4)
    const {endpoint, runtimeProxyInfo} = made
    const runtime = await fetch(`${runtimeProxyInfo.url}/api/kernels`, {headers: {'X-Colab-Runtime-Proxy-Token': runtimeProxyInfo.token, ...vs}})
    assert.equal(runtime.status, 200)
    await ask('GET', `/tun/m/${endpoint}/keep-alive/?authuser=0`, {...vs, 'X-Colab-Tunnel': 'Google'})
    const fresh = await read<{token: string; tokenTtl: string; url: string}>(await ask('GET', `/v1/runtime-proxy-token?endpoint=${endpoint}&port=8080`, vs))
    assert.deepEqual([fresh.tokenTtl, fresh.url], ['3600s', runtimeProxyInfo.url])
    await ask('GET', '/vscode/experiment-state?authuser=0', vs)
    await paired(`/tun/m/unassign/${endpoint}?authuser=0`, vs)
    assert.deepEqual(control.world.status().assignments, [])
  })

  it('A.2: VS Code does the same by the public API', async () => {
    const vs = {'X-Colab-Client-Agent': 'vscode'}
    const {runtimeSpecs} = await read<{runtimeSpecs: {key: object; eligible: boolean}[]}>(await ask('GET', '/v1beta/runtimespecs', vs))
    const key = runtimeSpecs.filter((one) => one.eligible).at(-1)?.key
    const body = JSON.stringify({runtimeSpec: key})
    const begun = await read<{name: string}>(await ask('POST', `/v1beta/runtimes?requestId=${randomUUID()}`, {...vs, 'Content-Type': 'application/json'}, body))
    const id = encodeURIComponent(begun.name.slice('operations/'.length))
    const done = await read<{done: boolean; response: {name: string; connectionInfo: {endpoint: string}}}>(await ask('GET', `/v1/operations/${id}:wait?timeout=200s`, vs))
    assert.equal(done.done, true)
    const listed = await read<{runtimes: {name: string}[]}>(await ask('GET', '/v1beta/runtimes', vs))
    assert.deepEqual(listed.runtimes.map((one) => one.name), [done.response.name])
    await ask('GET', `/v1beta/${done.response.name}`, vs)
    await ask('GET', `/tun/m/${done.response.connectionInfo.endpoint}/keep-alive/?authuser=0`, {...vs, 'X-Colab-Tunnel': 'Google'})
    await ask('DELETE', `/v1beta/${done.response.name}`, vs)
    assert.deepEqual(control.world.status().assignments, [])
  })

  it("A.3: Google's CLI makes a machine, keeps it alive, lists, and stops it", async () => {
    const gc = {Accept: 'application/json', 'X-Colab-Client-Agent': 'colab-cli'}
    const made = await paired<Assigned>(`/tun/m/assign?nbh=${newNotebook()}&variant=DEFAULT&accelerator=NONE&authuser=0`, gc)
    await ask('GET', `/tun/m/${made?.endpoint ?? ''}/keep-alive/?authuser=0`, {...gc, 'X-Colab-Tunnel': 'Google'})
    const known = new Set(['NONE', 'G4', 'T4', 'L4', 'A100', 'H100', 'V5E1', 'V6E1'])
    const {assignments} = await read<{assignments: {accelerator: string; variant: unknown; machineShape: unknown; runtimeProxyInfo: {tokenExpiresInSeconds: unknown}}[]}>(await ask('GET', '/tun/m/assignments?authuser=0', gc))
    assert.equal(assignments.length, 1)
    for (const row of assignments) {
      assert.ok(known.has(row.accelerator))
      assert.deepEqual([typeof row.variant, typeof row.machineShape, typeof row.runtimeProxyInfo.tokenExpiresInSeconds], ['number', 'number', 'number'])
    }
    await paired(`/tun/m/unassign/${made?.endpoint ?? ''}`, gc)
    assert.deepEqual(control.world.status().assignments, [])
  })

  it("A.4: Google's CLI mounts Drive with one XSRF token and multipart bodies", async () => {
    const made = await paired<Assigned>(`/tun/m/assign?nbh=${newNotebook()}&authuser=0`, {})
    const path = (dryrun: string): string => `/tun/m/credentials-propagation/${made?.endpoint ?? ''}?authuser=0&authtype=dfs_ephemeral&version=2&dryrun=${dryrun}&propagate=true&record=false`
    // everything up to the first newline is thrown away
    const beheaded = async <T>(response: Response): Promise<T> => JSON.parse((await response.text()).replace(/^[^\n]*\n/, '')) as T
    const {token: xsrf} = await beheaded<{token: string}>(await ask('GET', path('true')))
    const body = new FormData()
    body.set('file_id', 'empty.ipynb')
    const dry = await beheaded<{success: boolean; unauthorized_redirect_uri: string}>(await ask('POST', path('true'), {'x-goog-colab-token': xsrf}, body))
    assert.equal(dry.success, false)
    await fetch(dry.unauthorized_redirect_uri, {method: 'POST', body: new URLSearchParams({decision: 'allow'})})
    await ask('POST', path('false'), {'x-goog-colab-token': xsrf}, body)
    assert.ok(control.world.fleet.get(made?.endpoint ?? '')?.credentials.has('drive'))
  })

  it('A.5: MU refreshes its token, takes the first eligible model, and destroys', async () => {
    const refreshToken = await signedIn(control)
    const refreshed = await fetch(`${control.url}/token`, {method: 'POST', body: new URLSearchParams({grant_type: 'refresh_token', refresh_token: refreshToken, client_id: 'c', client_secret: 's'})})
    const tokens = await refreshed.json() as {access_token: string; expires_in: number; scope: string; token_type: string}
    token = tokens.access_token
    const mu = {Accept: 'application/json', 'X-Colab-Client-Agent': 'vscode', 'User-Agent': 'node'}
    const user = await read<{eligibleAccelerators: {variant: string; models: string[]}[]; paidComputeUnitsBalance: number; consumptionRateHourly: number; assignmentsCount: number}>(
      await ask('GET', '/v1/user-info?get_ccu_consumption_info=true', mu))
    assert.deepEqual([typeof user.paidComputeUnitsBalance, user.consumptionRateHourly, user.assignmentsCount], ['number', 0, 0])
    const model = user.eligibleAccelerators.find((one) => one.variant === 'VARIANT_GPU')?.models[0] ?? ''
    const made = await paired<Assigned>(`/tun/m/assign?nbh=${newNotebook()}&variant=GPU&accelerator=${model}&authuser=0`, mu)
    const {assignments} = await read<{assignments: {endpoint: string}[]}>(await ask('GET', '/v1/assignments', mu))
    assert.deepEqual(assignments.map((one) => one.endpoint), [made?.endpoint])
    await paired(`/tun/m/unassign/${made?.endpoint ?? ''}?authuser=0`, mu)
    assert.deepEqual(await read(await ask('GET', '/v1/assignments', mu)), {})
  })

  it('A.6: LeCoder assigns, later finds the machine again and asks for another proxy token', async () => {
    const le = {Accept: 'application/json', 'X-Colab-Client-Agent': 'vscode'}
    assert.deepEqual(await read(await ask('GET', '/tun/m/assignments?authuser=0', le)), {assignments: []})
    const units = await read<{eligibleGpus: string[]; eligibleTpus: string[]; currentBalance: number}>(await ask('GET', '/tun/m/ccu-info?authuser=0', le))
    const made = await paired<Assigned>(`/tun/m/assign?nbh=${newNotebook()}&variant=GPU&accelerator=${units.eligibleGpus[0] ?? ''}&authuser=0`, le)
    const {assignments} = await read<{assignments: {endpoint: string; accelerator: string; variant: number; machineShape: number}[]}>(await ask('GET', '/tun/m/assignments?authuser=0', le))
    const found = assignments.find((one) => one.variant === 1)
    assert.equal(found?.endpoint, made?.endpoint)
    const proxy = await read<{token: string; tokenExpiresInSeconds: number; url: string}>(
      await ask('GET', `/tun/m/runtime-proxy-token?endpoint=${found?.endpoint ?? ''}&port=8080&authuser=0`, {...le, 'X-Colab-Tunnel': 'Google'}))
    assert.equal(proxy.url, made?.runtimeProxyInfo.url)
  })
})

/** Signs me@example.com in on the consent page; the refresh token. */
async function signedIn(control: TestControl): Promise<string> {
  const verifier = randomUUID() + randomUUID()
  const redirect = 'http://127.0.0.1:45678'
  const query = new URLSearchParams({
    client_id: 'c', redirect_uri: redirect, response_type: 'code', access_type: 'offline', prompt: 'consent', login_hint: 'me@example.com', state: `nonce=${randomUUID()}`,
    scope: 'profile email https://www.googleapis.com/auth/colaboratory', code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  })
  const html = await (await fetch(`${control.url}/o/oauth2/v2/auth?${query.toString()}`)).text()
  const fields = [...html.matchAll(/name="(csrf|scope)" value="([^"]+)"/g)].map(([, name = '', value = '']): [string, string] => [name, value])
  const answer = await fetch(`${control.url}/o/oauth2/consent`, {method: 'POST', redirect: 'manual', body: new URLSearchParams([...fields, ['decision', 'allow']])})
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const tokens = await fetch(`${control.url}/token`, {method: 'POST', body: new URLSearchParams({grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: redirect, client_id: 'c', client_secret: 's'})})
  return (await tokens.json() as {refresh_token: string}).refresh_token
}
