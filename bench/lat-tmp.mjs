import {openSession} from '/tmp/wt/shell/bench/session.mjs'
import {startJupyter} from '/tmp/wt/shell/test/helpers/jupyter-server.ts'
import {spawnSync} from 'node:child_process'
import {mkdtempSync} from 'node:fs'
const home = mkdtempSync('/tmp/lat-')
const env = {PATH: process.env.PATH, HOME: home, CGPU_CONFIG_DIR: home+'/c', CGPU_DATA_DIR: home+'/d', CGPU_CACHE_DIR: home+'/e', CGPU_DAEMON:'off'}
const server = await startJupyter()
spawnSync('node', ['/tmp/wt/shell/bin/run.js','runtime','add',server.url,'--name','bench','--token-stdin'],{env,input:server.token})
const {session, close} = await openSession(env,'bench')
const agent = await session.agent()
const {AgentChannel} = await import('@cgpu/core/agent/channel')
const stat = (v) => { v.sort((a,b)=>a-b); return `median ${v[v.length>>1].toFixed(2)} p95 ${v[Math.ceil(v.length*.95)-1].toFixed(2)}` }
async function rtt(f, n=300) { const v=[]; for (let i=0;i<n;i++){ await new Promise(r=>setTimeout(r,5)); const t=performance.now(); await f(); v.push(performance.now()-t)} return stat(v) }
console.log('status (quick op)', await rtt(() => agent.status('nope')))
const {Terminals} = await import('@cgpu/core/terminals/terminals')
const terms = new Terminals(session)
const {terminal} = await terms.open({argv:['cat'],env:{},term:'xterm',size:{rows:24,cols:80}})
const part = agent.part('terminal')
let off=0
console.log('input (via host)', await rtt(async () => { await part.request('input',{terminal:terminal.id,client:'0123456789abcdef',offset:off},{buffers:[Buffer.from(off%40===39?'\n':'x')]}); off++ }))
await terms.kill(terminal.id)
await close(); await server.stop(); process.exit(0)
