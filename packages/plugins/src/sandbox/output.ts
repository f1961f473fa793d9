import type {Readable, Writable} from 'node:stream'
import {TerminalFilter} from '@cgpu/core/text/terminal'

/**
 * Passes a plugin's output on as plain text: no escape sequence of it reaches the terminal, colours neither. `onFlood` is called once
 * when it is more than `maxBytes`, and nothing more is passed on. A reader that is slow makes the plugin wait.
 */
export function passOn(from: Readable, to: Writable, {maxBytes, onFlood}: {maxBytes: number; onFlood: () => void}): void {
  const filter = new TerminalFilter()
  let left = maxBytes
  const write = (text: string): void => {
    // eslint-disable-next-line no-control-regex -- escapes are what is looked for
    if (text === '' || to.write(text.replace(/\u001b\[[\d;:]*m/g, ''))) return
    from.pause()
    to.once('drain', () => from.resume())
  }
  from.on('data', (chunk: Buffer) => {
    if (left < 0) return
    left -= chunk.length
    if (left < 0) onFlood()
    else write(filter.write(chunk))
  })
  from.on('end', () => write(filter.end()))
  from.on('error', () => {}) // its end is told by the process
}
