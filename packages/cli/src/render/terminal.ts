export {displayWidth, type Env, isLively, type Output, type Style, style, truncate} from '@cgpu/plugin-sdk/render'
