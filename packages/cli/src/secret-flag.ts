import {string} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'

/** `--secret NAME` of the commands that run code. */
export const secretFlag = withEnv({
  secret: string({multiple: true, summary: 'give the code this secret; see cgpu secret set', helpValue: 'NAME[=SOURCE:REF]'}),
})
