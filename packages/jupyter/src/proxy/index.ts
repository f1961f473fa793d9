export {findProxy, proxied, proxySet} from './proxied.ts'
export type {Proxy} from './route.ts'
export type {ProxyProblem} from './error.ts'
