export {table, tableOptions, type TableOptions} from '@cgpu/plugin-sdk/render'
