const pattern = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/

/** Whether npm would let a package be called so. */
export const isPackageName = (name: string): boolean => name.length <= 214 && pattern.test(name)
