export {measure, Progress, type ProgressOptions} from '@cgpu/plugin-sdk/render'
