// Entry of an emulator in a process of its own. What is compiled once is kept: starting is mostly loading.
import {enableCompileCache} from 'node:module'
import {compiledFolder} from '@cgpu/core/state/compiled'

enableCompileCache(compiledFolder())
await import('./serve.ts')
