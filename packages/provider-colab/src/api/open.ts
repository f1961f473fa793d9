import {ControlClient, type ClientOptions} from '../http/client.ts'
import type {ColabApi} from './api.ts'
import {PrivateApi} from './private.ts'

/** Colab, as one account, by the dialect that the settings name. Loaded by the first request: a known machine is reached without one. */
export async function openApi(options: ClientOptions, dialect: string | undefined): Promise<ColabApi> {
  const client = new ControlClient(options)
  const spoken = new PrivateApi(client)
  if (dialect !== 'public') return spoken
  const {PublicApi} = await import('./public.ts')
  return new PublicApi(client, spoken)
}
