// Command lines on stdin, a JSON list of lists, one after the other in one process of the built CLI. Ends at the first that fails, with its status.
import {text} from 'node:stream/consumers'
import {fileURLToPath} from 'node:url'
import {runSlow} from '../../packages/cli/dist/shell/slow.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
for (const argv of JSON.parse(await text(process.stdin))) {
  process.stderr.write(`$ cgpu ${argv.join(' ')}\n`)
  await runSlow(argv, root)
  if (process.exitCode) break
}
