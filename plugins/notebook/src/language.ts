import {isRecord, type Notebook} from './format/model.ts'

/** How a language's programs are written to files. */
export interface Language {
  /** lower case, as kernelspecs and fences of Markdown have it */
  name: string
  /** of its files, with the dot */
  extension: string
  /** what begins a comment that goes to the end of the line */
  comment: string
}

/** Languages whose comments end with the line: those that a script of cells can be written in. */
const languages: readonly Language[] = [
  {name: 'python', extension: '.py', comment: '#'},
  {name: 'r', extension: '.r', comment: '#'},
  {name: 'julia', extension: '.jl', comment: '#'},
  {name: 'bash', extension: '.sh', comment: '#'},
  {name: 'ruby', extension: '.rb', comment: '#'},
  {name: 'javascript', extension: '.js', comment: '//'},
  {name: 'typescript', extension: '.ts', comment: '//'},
  {name: 'scala', extension: '.scala', comment: '//'},
  {name: 'rust', extension: '.rs', comment: '//'},
  {name: 'go', extension: '.go', comment: '//'},
  {name: 'java', extension: '.java', comment: '//'},
  {name: 'c++', extension: '.cpp', comment: '//'},
  {name: 'csharp', extension: '.cs', comment: '//'},
  {name: 'haskell', extension: '.hs', comment: '--'},
  {name: 'lua', extension: '.lua', comment: '--'},
  {name: 'sql', extension: '.sql', comment: '--'},
]

const other: Record<string, string> = {python3: 'python', python2: 'python', ipython: 'python', ir: 'r', sh: 'bash', 'c#': 'csharp', cpp: 'c++', node: 'javascript', js: 'javascript', ts: 'typescript'}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The name of the notebook's language in lower case: of its `language_info`, else of its kernelspec; Python where neither says. */
export function languageName({metadata}: Notebook): string {
  const [info, spec] = [metadata['language_info'], metadata['kernelspec']].map((one) => (isRecord(one) ? one : {}))
  const said = (text(info?.['name']) ?? text(spec?.['language']) ?? text(spec?.['name']) ?? 'python').toLowerCase()
  // kernels are called xcpp17, julia-1.11, ir …
  return other[said] ?? (languages.some(({name}) => name === said) ? said : (languages.find(({name}) => name.length > 1 && said.startsWith(name))?.name ?? said))
}

/** The notebook's language, where scripts can be written in it. */
export function languageOf(notebook: Notebook): Language | undefined {
  const wanted = languageName(notebook)
  return languages.find(({name}) => name === wanted)
}

/** The language of files with this ending, which has a dot. */
export const languageOfFile = (extension: string): Language | undefined => languages.find((one) => one.extension === extension.toLowerCase())
