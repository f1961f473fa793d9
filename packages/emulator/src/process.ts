// Entry of an emulator in a process of its own. What is compiled once is kept: starting is mostly loading.
import {enableCompileCache} from 'node:module'

enableCompileCache()
await import('./serve.ts')
