// docs/commands.md, made from the manifests of the CLI and of the plugins that come with it.
const spaced = (id) => id.replaceAll(':', ' ')
const filled = (text) => text.replaceAll('<%= config.bin %>', 'cgpu').replaceAll('<%= command.id %>', '')
// `|` would end a table's cell, `<` would start HTML
const cell = (text) => filled(text ?? '').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')

function flagRow(flag) {
  const value = flag.type === 'option' ? ` ${flag.helpValue ?? (flag.options ? flag.options.join('\\|') : 'VALUE')}` : ''
  const notes = [flag.multiple && 'may be repeated', flag.default !== undefined && `default: \`${flag.default}\``, flag.required && 'required'].filter(Boolean)
  const about = cell(flag.summary ?? flag.description) + (notes.length > 0 ? ` (${notes.join(', ')})` : '')
  return `| \`${flag.char ? `-${flag.char}, ` : ''}--${flag.name}${value}\` | ${about} | ${flag.env ? `\`${flag.env}\`` : ''} |`
}

function usage(command) {
  const given = command.usage === undefined ? [] : [command.usage].flat()
  if (given.length > 0) return given.map((line) => `cgpu ${filled(line)}`)
  const args = Object.values(command.args ?? {}).map((arg) => (arg.required ? arg.name.toUpperCase() : `[${arg.name.toUpperCase()}]`))
  return [['cgpu', spaced(command.id), ...args, Object.keys(command.flags ?? {}).length > 0 ? '[flags]' : ''].filter(Boolean).join(' ')]
}

function section(command) {
  const lines = [`## cgpu ${spaced(command.id)}`, '', `${filled(command.summary ?? '')}`, '', '```', ...usage(command), '```', '']
  if (command.description && command.description !== command.summary) lines.push(filled(command.description), '')
  if (command.aliases?.length > 0) lines.push(`Short: ${command.aliases.map((alias) => `\`cgpu ${spaced(alias)}\``).join(', ')}`, '')
  const args = Object.values(command.args ?? {}).filter((arg) => !arg.hidden)
  if (args.length > 0) lines.push('| argument | |', '|---|---|', ...args.map((arg) => `| \`${arg.name.toUpperCase()}\` | ${cell(arg.description)} |`), '')
  const flags = Object.values(command.flags ?? {}).filter((flag) => !flag.hidden && flag.helpGroup !== 'GLOBAL')
  if (flags.length > 0) lines.push('| flag | | variable |', '|---|---|---|', ...flags.map(flagRow), '')
  if (command.examples?.length > 0) {
    lines.push('```sh')
    for (const example of command.examples) {
      if (typeof example === 'string') lines.push(filled(example))
      else lines.push(`# ${filled(example.description)}`, filled(example.command))
    }
    lines.push('```', '')
  }
  return lines.join('\n')
}

/** The whole page. Commands sorted by name, hidden ones left out. */
export function commandsDoc(...manifests) {
  const commands = manifests.flatMap((manifest) => Object.values(manifest.commands)).filter((command) => !command.hidden).sort((a, b) => (a.id < b.id ? -1 : 1))
  const globals = Object.values(commands[0]?.flags ?? {}).filter((flag) => flag.helpGroup === 'GLOBAL')
  return [
    '# Commands',
    '',
    'Made from the commands themselves by `npm run build`; do not edit. Every command takes:',
    '',
    '| flag | | variable |',
    '|---|---|---|',
    ...globals.map(flagRow),
    '',
    commands.map(section).join('\n'),
  ].join('\n')
}
