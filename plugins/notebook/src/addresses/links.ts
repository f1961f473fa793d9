/** The file behind a page that shows it: `raw` of GitHub's, GitLab's, a gist's, nbviewer's and Colab's links. Other addresses are as they were. */
export function fileBehind(address: string): string {
  const url = URL.parse(address)
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) return address
  const path = url.pathname
  switch (url.hostname) {
    case 'github.com':
    case 'www.github.com':
      return raw(path) ?? address
    case 'colab.research.google.com': {
      const [, id] = /^\/drive\/([\w-]+)/.exec(path) ?? []
      return id !== undefined ? `drive:${id}` : gist(/^\/gist(\/.*)$/.exec(path)?.[1]) ?? raw(path.replace(/^\/github\//, '/')) ?? address
    }
    case 'nbviewer.org':
    case 'nbviewer.jupyter.org': {
      const [, host, rest] = /^\/urls?(s?)\/(.+)$/.exec(path) ?? []
      if (rest !== undefined) return `http${path.startsWith('/urls/') || host === 's' ? 's' : ''}://${rest}${url.search}`
      return gist(/^\/gist(\/.*)$/.exec(path)?.[1]) ?? raw(path.replace(/^\/github\//, '/')) ?? address
    }
    case 'gist.github.com':
      return gist(path) ?? address
    default: {
      // GitLab, wherever it is
      const [, before, after] = /^(\/.+\/-)\/blob\/(.+)$/.exec(path) ?? []
      return before === undefined ? address : `${url.origin}${before}/raw/${after}${url.search}`
    }
  }
}

/** `/OWNER/REPO/blob/REF/PATH`, or `raw` in place of `blob`. */
function raw(path: string): string | undefined {
  const [, repository, rest] = /^\/([^/]+\/[^/]+)\/(?:blob|raw)\/(.+)$/.exec(path) ?? []
  return repository === undefined ? undefined : `https://raw.githubusercontent.com/${repository}/${rest}`
}

/** `/USER/ID`, with or without a revision: its first file. */
function gist(path: string | undefined): string | undefined {
  const [, id, revision] = /^\/([\w-]+\/[0-9a-f]{8,40})(?:\/([0-9a-f]{40}))?\/?$/.exec(path ?? '') ?? []
  return id === undefined ? undefined : `https://gist.githubusercontent.com/${id}/raw${revision === undefined ? '' : `/${revision}`}`
}
