/** Which paths of a copied folder are meant. Patterns are as in .gitignore, relative to the folder. */
export interface Filter {
  keeps(path: string, folder: boolean): boolean
  /** folders are made for what is in them only */
  selective: boolean
}

export const everything: Filter = {keeps: () => true, selective: false}

/** `exclude` wins; with `include` only what matches one of it, or lies in a folder that does. */
export async function filterOf({include = [], exclude = []}: {include?: string[] | undefined; exclude?: string[] | undefined}): Promise<Filter> {
  if (include.length === 0 && exclude.length === 0) return everything
  const {default: ignore} = await import('ignore')
  const [wanted, unwanted] = [include, exclude].map(patterns => ignore().add(patterns))
  return {
    selective: include.length > 0,
    keeps(path, folder) {
      const name = folder ? `${path}/` : path
      return !unwanted?.ignores(name) && (folder || include.length === 0 || (wanted?.ignores(name) ?? false))
    },
  }
}
