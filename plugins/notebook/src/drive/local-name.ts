import {withEnding} from './files.ts'

const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** A file name for what Drive calls so: no folders, no control characters, nothing that Windows refuses, not hidden; with Jupyter's ending. */
export function localName(name: string): string {
  const plain = name
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '')
    .replaceAll(/[/\\:*?"<>|]/g, '_')
    .replace(/^[\s.~-]+/, '')
    .replace(/\.ipynb$/i, '')
    .slice(0, 120)
    .replace(/[\s.]+$/, '')
  return withEnding(plain === '' ? 'notebook' : reserved.test(plain) ? `_${plain}` : plain)
}
