import {spawn} from 'node:child_process'
import {extname} from 'node:path'

/** What a system runs, or lets run, when it opens it. Such files are only fetched. */
const programs = new Set((
  '.app .appimage .application .bat .chm .cmd .com .command .cpl .desktop .dll .dmg .exe .gadget .hta .inf .jar .js .jse .lnk .mpkg .msc .msi .msp .pif .pkg .ps1 .psm1 .py .pyw .rb .reg .run .scf .scr .sh .service .terminal .tool .url .vb .vbe .vbs .webloc .workflow .ws .wsf .wsh .xpi'
).split(' '))

export function isProgramFile(name: string): boolean {
  return programs.has(extname(name).toLowerCase())
}

/** Opens a file with the system's program for it. False: there is none here, or it did not start. */
export async function openFile(path: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  if (process.platform === 'darwin') return started('open', [path])
  // explorer opens as a double click does, and no shell reads the path
  if (process.platform === 'win32') return started('explorer.exe', [path])
  // without a display a text program would start over the terminal
  if (!env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return false
  return started('xdg-open', [path])
}

function started(program: string, args: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {stdio: 'ignore', detached: true})
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      child.unref()
      resolve(true)
    })
  })
}
