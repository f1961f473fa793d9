// `npm run bench`: the figures of docs/performance.md, with their floors measured in the same run.
//   npm run bench                 everything, 20 rounds, and writes docs/performance.md
//   npm run bench -- startup      one part of: startup, exec, cells, flood, repl, completion, jobs, proxy, shell, ports, files, emulator, notebook-export, notebook-memory, history, daemon; nothing is written
//   npm run bench -- --rounds 5   fewer rounds; nothing is written
import {ensureTestPython} from './test-python.mjs'

process.env.CGPU_TEST_PYTHON = await ensureTestPython()
await import('../bench/run.mjs')
