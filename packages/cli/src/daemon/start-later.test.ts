import assert from 'node:assert/strict'
import {Settings} from '@cgpu/core/config/resolve'
import {startDaemonLater} from './start-later.ts'

describe('the daemon that starts behind a command', () => {
  it('is planned once, however many kernels the command has opened', () => {
    const before = process.rawListeners('beforeExit')
    const settings = new Settings([{key: 'daemon', value: 'on', source: 'flag', origin: ''}])
    for (let count = 0; count < 12; count++) startDaemonLater({state: '/nowhere'}, settings, {})
    const added = process.rawListeners('beforeExit').filter((one) => !before.includes(one))
    for (const one of added) process.removeListener('beforeExit', one as () => void) // as it was added
    // none where something else of this process planned it before
    assert.ok(added.length <= 1, String(added.length))
  })
})
