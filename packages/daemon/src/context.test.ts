import assert from 'node:assert/strict'
import {contextOf, daemonEnv, withoutCommandPart} from './context.ts'

describe('the environment that the daemon works with', () => {
  const env = {
    PATH: '/bin', HOME: '/home/me', CGPU_RUNTIME: 'a', CGPU_DATA_DIR: '/d', HTTPS_PROXY: 'http://p', NODE_OPTIONS: '--no-warnings', HF_TOKEN: 'hf', AWS_SECRET_ACCESS_KEY: 'x', LANG: 'C', EDITOR: 'vi',
  }

  it('holds what cgpu looks at, and nobody\'s secrets', () => {
    assert.deepEqual(contextOf(env, '/work'), {
      cwd: '/work', env: {PATH: '/bin', HOME: '/home/me', CGPU_RUNTIME: 'a', CGPU_DATA_DIR: '/d'}, process: {HTTPS_PROXY: 'http://p', NODE_OPTIONS: '--no-warnings'},
    })
    assert.deepEqual(Object.keys(daemonEnv({...env, CGPU_TOKEN: 'ya29'})), ['PATH', 'HOME', 'CGPU_RUNTIME', 'CGPU_DATA_DIR', 'HTTPS_PROXY', 'NODE_OPTIONS', 'LANG'])
    assert.deepEqual(Object.keys(withoutCommandPart(daemonEnv(env))), ['PATH', 'HTTPS_PROXY', 'NODE_OPTIONS', 'LANG'])
  })

  it('is not given out at all by a command that was given a token of its own', () => {
    assert.equal(contextOf({...env, CGPU_TOKEN: 'ya29'}, '/work'), undefined)
    assert.notEqual(contextOf({...env, CGPU_TOKEN: ''}, '/work'), undefined)
  })
})
