import assert from 'node:assert/strict'
import {refusal} from '../../../test/helpers/accounts-bed.ts'
import {keyringOver} from './keyring.ts'

/** A keyring as the library gives it, over a map; `broken` is thrown, `forgets` takes texts and keeps none. */
function library({broken, forgets = false}: {broken?: string; forgets?: boolean} = {}) {
  const kept = new Map<string, string>()
  const writes: string[] = []
  const entryOf = (name: string) => {
    if (broken !== undefined) throw new Error(broken)
    return {
      getPassword: async () => kept.get(name) ?? null,
      setPassword: async (text: string) => {
        writes.push(name)
        if (!forgets) kept.set(name, text)
      },
      deletePassword: async () => kept.delete(name),
    }
  }
  return {kept, writes, keyring: keyringOver(entryOf)}
}

describe('the keyring', () => {
  it('is proven once, by a probe that leaves nothing', async () => {
    const {keyring, kept, writes} = library()
    await keyring.set('a', '1')
    await keyring.set('b', '2')
    assert.equal(writes.length, 3)
    assert.match(writes[0] ?? '', /^probe [0-9a-f]{16}$/)
    assert.deepEqual([...kept], [['a', '1'], ['b', '2']])
    assert.deepEqual([await keyring.get('a'), await keyring.get('c')], ['1', undefined])
    await keyring.delete('a')
    assert.equal(await keyring.get('a'), undefined)
  })

  it('that forgets what it is given is none', async () => {
    await assert.rejects(library({forgets: true}).keyring.set('a', '1'), refusal('KEYRING_UNAVAILABLE', 67, /forgets/))
  })

  // as seen on a machine without a desktop, with a locked keyring, with one that was stopped, and something new
  const messages: [string, RegExp][] = [
    ['Platform failure: DBus error: Using X11 for dbus-daemon autolaunch was disabled at compile time, set your DBUS_SESSION_BUS_ADDRESS instead', /there is no keyring in this session/],
    ["Couldn't access platform storage: Secret Service: no result found", /there is no keyring in this session/],
    ["Couldn't access platform storage: Secret Service: unlock prompt was dismissed", /the keyring is locked/],
    ['Platform failure: DBus error: Did not receive a reply. Possible causes include: the message bus security policy blocked the reply', /the keyring does not answer/],
    ['the moon is full\u001b[31m', /the keyring cannot be used: the moon is full\\x1b\[31m/],
  ]
  for (const [message, says] of messages) {
    it(`explains ${JSON.stringify(message.slice(0, 60))}`, async () => {
      await assert.rejects(library({broken: message}).keyring.get('a'), refusal('KEYRING_UNAVAILABLE', 67, says))
    })
  }
})
