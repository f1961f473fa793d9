import {Cgpu} from '@cgpu/core/cgpu'
import {type Glimpse, look, type Look} from '@cgpu/core/runtime/look'
import {RuntimeSession} from '@cgpu/core/runtime/session'
import {RecordStore} from '@cgpu/core/runtime/store'
import {accountsFor} from '../../accounts.ts'
import {builtInProviders} from '../../providers.ts'
import type {SourceOptions} from '../sources.ts'

/** cgpu of this process, which says nothing. */
export async function openQuietly({dirs, env, cwd}: SourceOptions): Promise<Cgpu> {
  const onWarning = (): void => undefined
  return Cgpu.open({dirs, env, cwd, onWarning, providers: builtInProviders, accounts: accountsFor({dirs, env, onWarning})})
}

/** A look over a connection of our own, which ends with this process. A machine that is gone is not forgotten for it, as `Cgpu.connect` would. */
export async function lookDirectly(options: SourceOptions, asked: Look, runtime: string | undefined): Promise<Glimpse[]> {
  const cgpu = await openQuietly(options)
  const record = await cgpu.runtimes.select(runtime)
  const endpoint = await (await cgpu.runtimes.provider(record.provider)).connect(record.providerId)
  return look(new RuntimeSession({record, endpoint, store: new RecordStore(options.dirs.state)}), record, asked)
}
