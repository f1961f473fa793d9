// Preloaded with --import: writes how many modules the process loaded to the file that CGPU_TEST_MODULES names.
import {writeFileSync} from 'node:fs'
import {registerHooks} from 'node:module'

const loaded = []
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) loaded.push(url)
    return next(url, context)
  },
})
process.on('exit', () => writeFileSync(process.env.CGPU_TEST_MODULES, JSON.stringify(loaded)))
