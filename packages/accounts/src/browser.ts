import {spawn} from 'node:child_process'

/** Opens a page in the person's browser: BROWSER, else the system's own. False: there is none here, or it did not start. */
export async function openBrowser(url: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const named = env['BROWSER']
  if (named) {
    for (const candidate of process.platform === 'win32' ? [named] : named.split(':')) {
      if (await started(candidate, url, env)) return true
    }
    return false
  }
  // without a display the system would start a text browser over the terminal
  if (process.platform === 'linux' && !env['DISPLAY'] && !env['WAYLAND_DISPLAY'] && !env['WSL_DISTRO_NAME']) return false
  const {default: open} = await import('open')
  try {
    const child = await open(url)
    child.once('error', () => undefined)
    return true
  } catch {
    return false
  }
}

/** `firefox`, or `firefox --new-window %s`: no shell sees the URL. */
function started(command: string, url: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  // a path of Windows may hold spaces
  const [file, ...args] = process.platform === 'win32' ? [command] : command.split(' ').filter((word) => word !== '')
  if (file === undefined) return Promise.resolve(false)
  const filled = args.some((arg) => arg.includes('%s')) ? args.map((arg) => arg.replaceAll('%s', url)) : [...args, url]
  return new Promise((resolve) => {
    const child = spawn(file, filled, {stdio: 'ignore', detached: true, env})
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
