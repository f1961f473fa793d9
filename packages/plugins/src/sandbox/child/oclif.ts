/** Stands in for `@oclif/core` and its other parts: as much of them as a plugin in the sandbox has a use for. */
export * as Args from './oclif-args.ts'
export * as Flags from './oclif-flags.ts'
export {Command} from './command.ts'

export const ux = {
  stdout: (text = ''): void => console.log(text),
  stderr: (text = ''): void => console.error(text),
  warn: (text: string): void => console.error(text),
  colorize: (_color: string, text: string): string => text,
  action: {start: (_text: string): void => undefined, stop: (_text?: string): void => undefined},
}

/** For `import {execute} from '@oclif/core'` of a plugin's own bin, which is not run here. */
export const execute = async (): Promise<never> => {
  throw new Error('a plugin is run by cgpu')
}
