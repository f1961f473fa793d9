// `bin/cgpu` and `bin/cgpu.cmd`: they start the version that the file `current` names.

export const posix = `#!/bin/sh
# Starts the version of cgpu that the file "current" names.
self=$0
case $self in */*) ;; *) self=$(command -v -- "$self") ;; esac
while [ -h "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=\${self%/*}/$link ;; esac
done
home=\${self%/*}/..
current=
read -r current < "$home/current"
version=$home/versions/$current
if [ -z "$current" ] || [ ! -f "$version/bin/run.js" ]; then
  printf 'error: this cgpu is damaged: %s is missing\\nfix: install cgpu again over it\\n' "$version" >&2
  exit 70
fi
node=$version/bin/node
if [ ! -x "$node" ]; then
  node=\${CGPU_NODE:-node}
  if ! command -v "$node" > /dev/null; then
    printf 'error: this cgpu comes without Node, and there is none on PATH\\nfix: install Node 22.18 or newer, or the cgpu that has it inside\\n' >&2
    exit 70
  fi
fi
exec "$node" -- "$version/bin/run.js" "$@"
`

export const windows = [
  '@echo off',
  'rem Starts the version of cgpu that the file "current" names.',
  'setlocal',
  'set /p CGPU_CURRENT=<"%~dp0..\\current"',
  'set "CGPU_ROOT=%~dp0..\\versions\\%CGPU_CURRENT%"',
  'set "CGPU_RUN=%CGPU_ROOT%\\bin\\node.exe"',
  'if not exist "%CGPU_RUN%" set "CGPU_RUN=node"',
  '"%CGPU_RUN%" -- "%CGPU_ROOT%\\bin\\run.js" %*',
  'exit /b %ERRORLEVEL%',
  '',
].join('\r\n')
