/** A line for GitHub Actions that marks a line of a file with a message. */
export function githubAnnotation({level, file, line, title, message}: {level: 'error' | 'warning'; file: string; line: number; title: string; message: string}): string {
  return `::${level} file=${property(file)},line=${line},title=${property(title)}::${data(message)}\n`
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

/** `--annotations`, else what the environment says: GitHub Actions sets GITHUB_ACTIONS. */
export const wantsAnnotations = (flag: string | undefined, env: NodeJS.ProcessEnv = process.env): boolean => (flag === undefined ? env['GITHUB_ACTIONS'] === 'true' : flag === 'github')
