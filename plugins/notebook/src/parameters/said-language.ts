import {isRecord, type Notebook} from '../format/model.ts'

/** The language that the notebook says it is written in. */
export function languageOf({metadata}: Notebook): {kernel: string | undefined; language: string | undefined} {
  const of = (key: string, field: string): string | undefined => {
    const one = metadata[key]
    const value = isRecord(one) ? one[field] : undefined
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  return {kernel: of('kernelspec', 'name'), language: of('kernelspec', 'language') ?? of('language_info', 'name')}
}
