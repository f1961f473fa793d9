import type {ProgressEvent} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'

/** Turns pip's output into progress: which package it looks at, fetches (with its size), installs. Says nothing twice. */
export function pipProgress(report: (event: ProgressEvent) => void): (line: string) => void {
  let last = ''
  return (line) => {
    const message = pipMessage(line)
    if (message === undefined || message === last) return
    last = message
    report({message})
  }
}

/** Undefined for lines that tell a person nothing. */
export function pipMessage(line: string): string | undefined {
  const collecting = /^\s*Collecting ([\w.-]+)/.exec(line)?.[1]
  if (collecting) return sanitizeLine(`installing jupyter_server and ipykernel: looking for ${collecting}`)
  const [, file, size] = /^\s*Downloading (\S+?)(?:\s+\(([^)]+)\))?\s*$/.exec(line) ?? []
  if (file) {
    // the file of a metadata request, or the URL of a wheel
    const name = /([^/]+?)-\d[^/]*$/.exec(file)?.[1] ?? file
    return sanitizeLine(`installing jupyter_server and ipykernel: downloading ${name}${size ? ` (${size})` : ''}`)
  }
  const count = /^\s*Installing collected packages: (.*)$/.exec(line)?.[1]?.split(',').length
  if (count) return `installing jupyter_server and ipykernel: unpacking ${count} packages`
  if (/^\s*(WARNING: )?Retrying /.test(line)) return 'installing jupyter_server and ipykernel: the package index does not answer, trying again'
  return undefined
}
