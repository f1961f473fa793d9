export {type Capability, describeCapability, manifestOf, type PluginManifest} from './manifest.ts'
export {type Trust, type TrustLevel, TrustStore} from './trust.ts'
export {describeEnforced, type Enforced, enforcementOf, meansHere, meansProven} from './sandbox/enforcement.ts'
