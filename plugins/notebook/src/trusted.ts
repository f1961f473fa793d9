import {CgpuError, ExitCode} from '@cgpu/plugin-sdk'

/** In the sandbox of plugins that are not trusted there are neither kernels nor the user's files. Throws NOT_GRANTED (75) there. */
export function needTrust(): void {
  if (process.permission === undefined || process.permission.has('fs.write')) return
  throw new CgpuError('@cgpu/plugin-notebook works with notebooks only when it is trusted', {
    code: 'NOT_GRANTED', category: 'plugin', exit: ExitCode.vetoed, fix: 'cgpu plugins trust @cgpu/plugin-notebook',
  })
}
