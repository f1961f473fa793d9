import {delimiter, dirname} from 'node:path'
import type {MachineSpec} from '../contract.ts'
import {tpuEnv} from './hardware.ts'

/** Of the host's environment a machine sees only what its programs cannot work without: language, time zone, the way out. */
const kept = /^(LANG|LC_.*|TZ|https?_proxy|no_proxy|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/i

export function hostEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (kept.test(name) && value !== undefined ? [[name, value]] : [])))
}

export interface MachinePaths {
  content: string
  home: string
  tmp: string
  /** the machine's own programs */
  bin: string
  /** google.colab */
  modules: string
  /** where tmux and kernels keep their sockets: a short path */
  sockets: string
  /** whether `content` is `/content` */
  namespaces: boolean
}

/** The environment of the server, its kernels and shells, with the names that Colab's machines have. No secrets. */
export function machineEnv(spec: MachineSpec, paths: MachinePaths, python: string, address: string, host: NodeJS.ProcessEnv): Record<string, string> {
  return {
    LANG: 'C.UTF-8',
    ...hostEnv(host),
    HOME: paths.home,
    USER: 'root',
    SHELL: '/bin/bash',
    TERM: 'xterm-256color',
    TMPDIR: paths.tmp,
    PATH: [paths.bin, dirname(python), ...usualPath(host)].join(delimiter),
    PYTHONPATH: paths.modules,
    PYDEVD_DISABLE_FILE_VALIDATION: '1',
    JUPYTER_NO_CONFIG: '1',
    JUPYTER_CONFIG_DIR: `${paths.home}/.jupyter`,
    JUPYTER_DATA_DIR: `${paths.home}/.local/share/jupyter`,
    JUPYTER_RUNTIME_DIR: `${paths.home}/.local/share/jupyter/runtime`,
    IPYTHONDIR: `${paths.home}/.ipython`,
    MPLBACKEND: 'module://matplotlib_inline.backend_inline',
    CLOUDSDK_CONFIG: `${paths.content}/.config`,
    COLAB_BACKEND_VERSION: 'next',
    COLAB_RELEASE_TAG: `release-colab-external-images_${spec.image}`,
    COLAB_GPU: spec.variant === 'GPU' ? '1' : '',
    COLAB_EMULATOR: '1',
    ...(paths.namespaces ? {COLAB_JUPYTER_TRANSPORT: 'ipc'} : folderEnv(paths)),
    TBE_RUNTIME_ADDR: address,
    TBE_EPHEM_CREDS_ADDR: address,
    TBE_CREDS_ADDR: address,
    USE_AUTH_EPHEM: '1',
    ...(spec.variant === 'GPU' ? {NVIDIA_VISIBLE_DEVICES: 'all', NVIDIA_DRIVER_CAPABILITIES: 'compute,utility', CUDA_VERSION: '12.5.1'} : {}),
    ...tpuEnv(spec),
  }
}

/** What a machine needs that has no file system of its own. */
function folderEnv({content, sockets}: MachinePaths): Record<string, string> {
  return {COLAB_EMULATOR_CONTENT: content, TMUX_TMPDIR: sockets, JUPYTER_RUNTIME_DIR: sockets, PYTHONDONTWRITEBYTECODE: '1'}
}

function usualPath(host: NodeJS.ProcessEnv): string[] {
  const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return process.platform === 'linux' ? usual : (host['PATH'] ?? usual.join(delimiter)).split(delimiter)
}
