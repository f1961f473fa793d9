import {boolean, option, string} from '@oclif/core/flags'
import {string as stringArg} from '@oclif/core/args'
import {withEnv} from '@cgpu/plugin-sdk'

const group = {helpGroup: 'RUNTIME'}

/** `--runtime NAME`, on every command that works on one. */
export const runtimeFlag = withEnv({
  runtime: string({...group, char: 'r', summary: 'the runtime to work on, by name or unique prefix', helpValue: 'NAME'}),
})

const lease = string({...group, summary: 'let the machine release itself when unused for so long; off: never', helpValue: 'TIME'})

/** `--lease TIME`, for a machine that is there. */
export const leaseFlag = withEnv({lease})

/** What kind of machine is asked for. */
export const specFlags = withEnv({
  provider: string({...group, summary: 'where the runtime comes from', helpValue: 'ID'}),
  gpu: string({...group, summary: 'a GPU of this model, or any; several in order of choice, with commas', helpValue: 'MODEL', exclusive: ['tpu', 'cpu']}),
  tpu: string({...group, summary: 'a TPU of this model, or any; several in order of choice, with commas', helpValue: 'MODEL', exclusive: ['gpu', 'cpu']}),
  cpu: boolean({...group, summary: 'no accelerator', exclusive: ['gpu', 'tpu']}),
  'high-ram': boolean({...group, summary: 'a machine with more memory'}),
  image: string({...group, summary: 'the image that the machine starts from', helpValue: 'NAME'}),
  wait: string({...group, summary: 'wait so long for a machine when none is free, such as 30m', helpValue: 'TIME'}),
  'allow-downgrade': boolean({...group, summary: 'take a machine with another accelerator than the one asked for'}),
  lease,
})

/** `--account EMAIL`, on every command that works on runtimes. */
export const accountFlag = withEnv({
  account: string({...group, summary: 'the account to work with, by email or id', helpValue: 'EMAIL'}),
})

/** `--output text|json|ndjson` of the commands that stream. */
export const outputFlag = withEnv({
  output: option({options: ['text', 'json', 'ndjson'] as const, summary: 'text for people, one JSON object, or an event a line'})(),
})

export const yesFlag = withEnv({yes: boolean({char: 'y', summary: 'do not ask'})})

/** The positional name of a runtime. */
export const runtimeArg = stringArg({description: 'name of the runtime, or a unique beginning of it', required: false})
