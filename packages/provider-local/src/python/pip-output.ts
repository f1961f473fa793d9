import type {ProgressEvent} from '@cgpu/core/provider'
import {sanitizeLine} from '@cgpu/core/text/line'

/** Turns pip's output into progress: which package it looks at, fetches (with its size), installs. Says nothing twice. */
export function pipProgress(report: (event: ProgressEvent) => void): (line: string) => void {
  let last = ''
  return (line) => {
    const detail = pipDetail(line)
    if (detail === undefined || detail === last) return
    last = detail
    report({message: 'installing jupyter_server and ipykernel', detail})
  }
}

/** Undefined for lines that tell a person nothing. */
export function pipDetail(line: string): string | undefined {
  const collecting = /^\s*Collecting ([\w.-]+)/.exec(line)?.[1]
  if (collecting) return sanitizeLine(`looking for ${collecting}`)
  const [, file, size] = /^\s*Downloading (\S+?)(?:\s+\(([^)]+)\))?\s*$/.exec(line) ?? []
  if (file) {
    // the file of a metadata request, or the URL of a wheel
    const name = /([^/]+?)-\d[^/]*$/.exec(file)?.[1] ?? file
    return sanitizeLine(`downloading ${name}${size ? ` (${size})` : ''}`)
  }
  const count = /^\s*Installing collected packages: (.*)$/.exec(line)?.[1]?.split(',').length
  if (count) return `unpacking ${count} packages`
  if (/^\s*(WARNING: )?Retrying /.test(line)) return 'the package index does not answer, trying again'
  return undefined
}
