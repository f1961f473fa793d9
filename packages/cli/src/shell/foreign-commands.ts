import type {Command} from '@oclif/core/command'
import {success} from '@cgpu/plugin-sdk'

/** The methods of oclif's base class that are replaced; they are protected there. */
interface Outcome {
  id?: string
  catch(error: Error): Promise<void>
  logJson(json: unknown): void
  toSuccessJson(result: unknown): unknown
}

/**
 * Commands that do not stand on CgpuCommand (those of oclif's own plugins) get the same envelope, errors and exit statuses.
 * oclif's own answer to a bad flag with --json would print the whole config.
 */
export function unifyForeignCommands(base: typeof Command): void {
  const prototype = base.prototype as unknown as Outcome // see Outcome
  prototype.catch = async (error) => {
    throw error
  }
  prototype.toSuccessJson = function (this: Outcome, result) {
    return success(this.id ?? '', result ?? null, [])
  }
  prototype.logJson = (json) => void process.stdout.write(`${JSON.stringify(json)}\n`)
}
