import {string} from '@oclif/core/flags'
import {withEnv} from '@cgpu/plugin-sdk'

/** Its variable is not CGPU_PROFILE: choosing a profile to work with must not change where `config set` writes. */
export const profileFlag = withEnv({
  profile: string({env: 'CGPU_CONFIG_PROFILE', helpValue: 'NAME', summary: 'in this profile only'}),
})
