// An emulator of its own, for a test that kills it: says what it made, one JSON line, and stays.
import {ask, machineBed, shell} from './machine-bed.ts'

const bed = await machineBed({namespaces: process.argv[2] === 'namespaces'})
const machine = await bed.start('cpu-child')
await ask(machine, '/api/terminals', {method: 'POST', json: {}})
await shell(machine, 'setsid sleep 1000 >/dev/null 2>&1 & disown')
console.log(JSON.stringify({folder: bed.folder, ground: await bed.host.prepare()}))
setInterval(() => undefined, 1000)
