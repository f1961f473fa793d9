// Loaded before every test: nothing leaves the machine, nothing of the developer's own state is read.
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import * as fc from 'fast-check'

// the same cases in every run; CGPU_TEST_SEED tries others
fc.configureGlobal({seed: Number(process.env['CGPU_TEST_SEED'] ?? 20_261_122)})

const home = mkdtempSync(join(tmpdir(), 'cgpu-test-'))
for (const name of Object.keys(process.env)) if (name.startsWith('CGPU_') && !name.startsWith('CGPU_TEST_')) delete process.env[name]
process.env['CGPU_CONFIG_DIR'] = join(home, 'config')
process.env['CGPU_DATA_DIR'] = join(home, 'data')
process.env['CGPU_CACHE_DIR'] = join(home, 'cache')
process.env['CGPU_KEYRING'] = 'off'
process.env['CGPU_DAEMON'] = 'off'
process.env['CGPU_AUTOUPDATE'] = 'off'
process.env['NO_COLOR'] = '1'
process.once('exit', () => rmSync(home, {recursive: true, force: true}))
