// oxlint with type-aware rules, the types of tests, and the dependency rules between packages.
import {spawnSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {boundaryProblems} from './boundaries.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name) => fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url))
const run = (name, args) => spawnSync(bin(name), args, {cwd: root, stdio: 'inherit', shell: process.platform === 'win32'}).status === 0

const linted = run('oxlint', ['--type-aware', '--deny-warnings', 'packages', 'plugins', 'test', 'scripts', 'bench', 'bin'])
const typed = run('tsc', ['-p', 'test'])
const problems = boundaryProblems(root)
for (const problem of problems) console.error(problem)
process.exit(linted && typed && problems.length === 0 ? 0 : 1)
