// What the tests need of the system: a browser, and on Linux an SSH server, shells, a keyring and R with its Jupyter kernel. Brings them by apt-get where it may
// (as root); elsewhere says in one sentence what is missing.
import {spawnSync} from 'node:child_process'
import {existsSync} from 'node:fs'
import {delimiter, join} from 'node:path'

const linux = process.platform === 'linux'
const folders = [...(process.env.PATH ?? '').split(delimiter), ...(linux ? ['/usr/bin', '/usr/sbin', '/usr/local/sbin'] : [])]

/** The program on PATH (or at a path of its own), or undefined. */
const found = (names) => names.flatMap((name) => (name.includes('/') || name.includes('\\') ? [name] : folders.map((folder) => join(folder, name)))).find((path) => existsSync(path))

const browsers = {
  linux: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  darwin: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'],
  win32: ['C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe', 'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe'],
}[process.platform] ?? []

/** Programs, any of which will do, and the Debian package that has them. */
const needs = [
  {what: 'Chromium or Chrome', programs: browsers, debian: 'chromium'},
  ...(linux ? [
    {what: 'sshd', programs: ['sshd'], debian: 'openssh-server'},
    {what: 'ssh', programs: ['ssh'], debian: 'openssh-client'},
    {what: 'tmux', programs: ['tmux'], debian: 'tmux'},
    {what: 'zsh', programs: ['zsh'], debian: 'zsh'},
    {what: 'fish', programs: ['fish'], debian: 'fish'},
    {what: 'vim', programs: ['vim', 'vim.tiny'], debian: 'vim-tiny'},
    {what: 'gnome-keyring-daemon', programs: ['gnome-keyring-daemon'], debian: 'gnome-keyring'},
    {what: 'dbus-run-session', programs: ['dbus-run-session'], debian: 'dbus'},
    {what: 'R with its kernel', programs: ['/usr/share/jupyter/kernels/ir/kernel.json'], debian: 'r-cran-irkernel'},
    {what: 'bubblewrap', programs: ['bwrap'], debian: 'bubblewrap'},
    {what: 'gdbus', programs: ['gdbus'], debian: 'libglib2.0-bin'},
  ] : []),
]
const missing = () => needs.filter(({programs}) => found(programs) === undefined)

function install(packages) {
  const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'], env: {...process.env, DEBIAN_FRONTEND: 'noninteractive'},
  }).status === 0
  const wanted = ['install', '-y', '--no-install-recommends', ...packages]
  return apt(...wanted) || (apt('update') && apt(...wanted))
}

/** Environment for the tests. Throws a sentence and a fix when something is missing and cannot be brought. */
export function ensureTestSystem({log = console.error} = {}) {
  let lacking = missing()
  const packages = lacking.map(({debian}) => debian)
  if (linux && lacking.length > 0 && process.getuid() === 0 && found(['apt-get'])) {
    log(`installing what the tests need of the system (once): ${packages.join(', ')}`)
    install(packages)
    lacking = missing()
  }
  if (lacking.length > 0) {
    const fix = linux ? `sudo apt-get install ${packages.join(' ')}` : 'install it'
    throw new Error(`the tests need ${lacking.map(({what}) => what).join(', ')}, which this machine lacks\nfix: ${fix}, and try again`)
  }
  return {CGPU_TEST_CHROMIUM: found(browsers)}
}
