import {execFileSync} from 'node:child_process'
import {chmodSync, mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {testPython} from '../helpers/jupyter-server.ts'

/** The site-packages of the tests' Python, in which Jupyter is (and of the system, where Debian's is used). */
const sitePackages = (): string[] =>
  JSON.parse(execFileSync(testPython, ['-c', 'import sys, json; print(json.dumps([p for p in sys.path if p.endswith("-packages")]))'], {encoding: 'utf8'})) as string[]

/** A real virtual environment without pip; with Jupyter: that of the tests' Python shows through. */
export function makeVenv(path: string, jupyter: boolean): string {
  mkdirSync(dirname(path), {recursive: true})
  const base = execFileSync(testPython, ['-c', 'import sys; print(sys._base_executable)'], {encoding: 'utf8'}).trim()
  execFileSync(base, ['-m', 'venv', '--without-pip', path])
  if (jupyter) addJupyter(path)
  return join(path, 'bin', 'python')
}

/** As an install would: from now on the environment has Jupyter. */
export function addJupyter(venv: string): void {
  writeFileSync(join(packagesOf(venv), 'jupyter.pth'), `${sitePackages().join('\n')}\n`)
}

export function packagesOf(venv: string): string {
  const lib = join(venv, 'lib')
  return join(lib, readdirSync(lib).find((name) => name.startsWith('python')) ?? '', 'site-packages')
}

export function script(path: string, text: string): string {
  mkdirSync(dirname(path), {recursive: true})
  writeFileSync(path, `#!/bin/sh\n${text}\n`)
  chmodSync(path, 0o755)
  return path
}

/** A Python by name that notes each time that it is asked. */
export function counting(path: string, python: string, log: string): string {
  return script(path, `echo "$*" >> '${log}'; exec '${python}' "$@"`)
}

/**
 * Wheels under the names that cgpu installs, for pip to find without any network: they hold a path file that lets the
 * Jupyter of the tests' Python show through, so that what is installed really works.
 */
export function makeWheels(folder: string): void {
  mkdirSync(folder, {recursive: true})
  const code = `
import sys, json, zipfile
folder, paths = sys.argv[1], json.loads(sys.argv[2])
for name, version in [("jupyter_server", "2.21.1"), ("ipykernel", "7.4.0"), ("jupyter_server", "2.14.2"), ("ipykernel", "6.29.5")]:
    info = "%s-%s.dist-info/" % (name, version)
    with zipfile.ZipFile("%s/%s-%s-py3-none-any.whl" % (folder, name, version), "w") as wheel:
        wheel.writestr("cgpu_test_%s.pth" % name, "\\n".join(paths) + "\\n")
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version))
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "RECORD", "cgpu_test_%s.pth,,\\n%sMETADATA,,\\n%sWHEEL,,\\n%sRECORD,,\\n" % (name, info, info, info))
`
  execFileSync(testPython, ['-c', code, folder, JSON.stringify(sitePackages())])
}

/** pip reads no settings of the machine and reaches no index. */
export const offlinePip = {PIP_CONFIG_FILE: '/dev/null', PIP_RETRIES: '0', PIP_FIND_LINKS: '', PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_EXTRA_INDEX_URL: ''}
