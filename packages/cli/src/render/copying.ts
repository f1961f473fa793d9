import type {CopyProgress} from '@cgpu/core/files/copy'
import {formatBytes} from '@cgpu/core/text/format'
import type {Progress} from './progress.ts'

/** Shows how far a copy is: files of how many, bytes of how many, how fast. */
export function copyingLine(progress: Pick<Progress, 'show'>, now: () => number = performance.now.bind(performance)): (at: CopyProgress) => void {
  const started = now()
  return ({files, ofFiles, bytes, ofBytes}) => {
    const seconds = (now() - started) / 1000
    const rate = seconds > 0.5 ? `, ${formatBytes(bytes / seconds)}/s` : ''
    const counted = ofFiles > 1 ? `${files} of ${ofFiles} files, ` : ''
    progress.show({message: 'copying', detail: `${counted}${formatBytes(bytes)} of ${formatBytes(ofBytes)}${rate}`, done: bytes, total: ofBytes})
  }
}

/** `1234 files, 1.2 GiB` */
export function counted(files: number, bytes: number): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${formatBytes(bytes)}`
}
