import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {repoRoot} from './cli.ts'

export interface PageScript {
  /** the heading that it stands under */
  heading: string
  script: string
}

/** Shell blocks of a page that follow `<!-- MARK -->`, in its order. `# prints: X` behind a command becomes a check. */
export function scriptsOf(page: string, mark: string): PageScript[] {
  const text = readFileSync(join(repoRoot, page), 'utf8')
  return [...text.matchAll(new RegExp(`<!-- ${mark} -->\\n+\`\`\`sh\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => ({
    heading: [...text.slice(0, match.index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '', script: checked(match[1] ?? ''),
  }))
}

function checked(script: string): string {
  return script.split('\n').map((line) => {
    const prints = /^(.*?)\s+# prints: (.*)$/.exec(line)
    return prints ? `out=$(${prints[1]}) || exit 1; [ "$out" = ${JSON.stringify(prints[2])} ] || { echo "printed: $out, not: ${prints[2]}" >&2; exit 1; }` : line
  }).join('\n')
}
