import type {Env} from './terminal.ts'

export type ImageProtocol = 'kitty' | 'iterm2'

/** How this terminal shows images, going by what it says of itself; undefined: it cannot, or something between may not. */
export function imageProtocol(env: Env = process.env): ImageProtocol | undefined {
  if (env['NO_COLOR'] || env['CI'] || env['TERM'] === 'dumb' || env['TMUX'] || env['STY']) return undefined
  const program = env['TERM_PROGRAM'] ?? ''
  if (env['KITTY_WINDOW_ID'] || env['TERM'] === 'xterm-kitty' || program === 'ghostty') return 'kitty'
  if (program === 'iTerm.app' || program === 'WezTerm' || program === 'mintty') return 'iterm2'
  return undefined
}

const CHUNK = 4096

/** The bytes that make the terminal show a PNG, with a newline behind it. */
export function inlineImage(png: Uint8Array, protocol: ImageProtocol): string {
  const data = Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString('base64')
  if (protocol === 'iterm2') return `\u001b]1337;File=inline=1;size=${png.byteLength};preserveAspectRatio=1:${data}\u0007\n`
  const chunks: string[] = []
  for (let at = 0; at < data.length; at += CHUNK) {
    const more = at + CHUNK < data.length ? 1 : 0
    chunks.push(`\u001b_G${at === 0 ? 'a=T,f=100,' : ''}m=${more};${data.slice(at, at + CHUNK)}\u001b\\`)
  }
  return `${chunks.join('')}\n`
}
