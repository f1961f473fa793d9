// An emulator of its own, for tests that kill it or give it fewer rights: says what it made, one JSON line, and stays.
import {ask, machineBed, shell} from './machine-bed.ts'

const bed = await machineBed({namespaces: process.argv[2] !== 'folders'})
const machine = await bed.start('cpu-child')
await ask(machine, '/api/terminals', {method: 'POST', json: {}})
const ground = bed.host.ground ?? {namespaces: false}
await shell(machine, 'setsid sleep 1000 >/dev/null 2>&1 &')
const said = ground.namespaces ? await shell(machine, 'whoami; pwd; ls /content; echo x >/etc/cgpu-test; cat /var/colab/hostname') : ''
console.log(JSON.stringify({folder: bed.folder, ground, said}))
process.once('SIGTERM', () => void bed.close().then(() => process.exit(0)))
setInterval(() => undefined, 1000)
