// Preloaded into a measured process: leaves its peak memory (bytes) in the file that BENCH_RSS names.
import {writeFileSync} from 'node:fs'

process.once('exit', () => writeFileSync(process.env.BENCH_RSS, String(process.resourceUsage().maxRSS * 1024)))
