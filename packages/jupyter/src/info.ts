import {isObject, optionalString} from './guard.ts'
import type {Json} from './guard.ts'

/** From a kernel_info_reply; empty strings for what a kernel leaves out. */
export interface KernelInfo {
  implementation: string
  implementationVersion: string
  languageName: string
  languageVersion: string
  protocolVersion: string
  banner: string
}

export function kernelInfo(content: Json): KernelInfo {
  const language = isObject(content['language_info']) ? content['language_info'] : {}
  return {
    implementation: optionalString(content, 'implementation') ?? '',
    implementationVersion: optionalString(content, 'implementation_version') ?? '',
    languageName: optionalString(language, 'name') ?? '',
    languageVersion: optionalString(language, 'version') ?? '',
    protocolVersion: optionalString(content, 'protocol_version') ?? '',
    banner: optionalString(content, 'banner') ?? '',
  }
}
