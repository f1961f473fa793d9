import type {Command} from '@oclif/core/command'
import {CommandHelp} from '@oclif/core/help'

/** Statics of ours that the manifest carries along; a plugin's command may lack or misuse them. */
interface Extras {
  remoteArgs?: unknown
  seeAlso?: unknown
}

/** A command's help page: oclif's sections, then the exit statuses and what to read next. */
export class CgpuCommandHelp extends CommandHelp {
  constructor(...given: ConstructorParameters<typeof CommandHelp>) {
    super(...given)
    // on a narrower terminal oclif breaks the usage line in the middle of its own `<%= command.id %>`, and throws
    this.opts = {...this.opts, maxWidth: Math.max(this.opts.maxWidth, 40)}
  }

  /** As written, never broken over lines: an example is there to be copied. */
  protected override examples(examples: Command.Example[] | string | undefined): string | undefined {
    if (!examples || typeof examples === 'string') return super.examples(examples)
    const lines = examples.map((one) => (typeof one === 'string' ? this.render(one) : `${this.wrap(one.description)}\n  $ ${this.render(one.command)}`))
    return lines.length === 0 ? undefined : lines.join('\n\n')
  }

  /** The variable stands behind what the flag does. */
  protected override flags(flags: Command.Flag.Any[]): [string, string | undefined][] | undefined {
    return super.flags(flags.map((flag) => {
      const {env, ...rest} = flag
      if (env === undefined) return flag
      return {...rest, summary: `${flag.summary ?? flag.description ?? ''} [${env}]`}
    }))
  }

  /** Without the summary, which stands on top of the page already. */
  protected override description(): string | undefined {
    const {description, summary} = this.command
    return summary && description ? this.wrap(this.render(description)) : super.description()
  }

  protected override groupFlags(flags: Command.Flag.Any[]): ReturnType<CommandHelp['groupFlags']> {
    const {flagGroups: {GLOBAL, ...others}, mainFlags} = super.groupFlags(flags)
    return {flagGroups: {...others, ...(GLOBAL ? {GLOBAL} : {})}, mainFlags}
  }

  protected override sections(): ReturnType<CommandHelp['sections']> {
    const {remoteArgs, seeAlso} = this.command as unknown as Extras // see Extras
    const {bin} = this.config
    const program = this.command.id === 'exec' || remoteArgs === true
    const status = program ? `the remote program's own; 64 and above are ${bin}'s, see ${bin} help exit-codes` : `0 when it worked, else see ${bin} help exit-codes`
    const next = Array.isArray(seeAlso) ? seeAlso.filter((line) => typeof line === 'string') : []
    return [
      ...super.sections(),
      {generate: () => this.wrap(status), header: 'EXIT STATUS'},
      ...(next.length > 0 ? [{generate: () => next.map((line) => `${bin} ${line}`).join('\n'), header: 'SEE ALSO'}] : []),
    ]
  }
}
