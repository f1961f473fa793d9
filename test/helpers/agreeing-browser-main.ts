// What agreeing-browser.ts makes a browser of: `agreeing-browser-main.ts EMAIL URL`. Speaks to the emulator's pages.
const [email = '', url = ''] = process.argv.slice(2)

const asked = new URL(url)
asked.searchParams.set('chosen', email)
const page = await (await fetch(asked)).text()
const values = (name: string): string[] => [...page.matchAll(new RegExp(`name="${name}" value="([^"]*)"`, 'g'))].map((match) => match[1] ?? '')
const form = new URLSearchParams([['csrf', values('csrf')[0] ?? ''], ...values('scope').map((scope) => ['scope', scope] as [string, string]), ['decision', 'allow']])
const answer = await fetch(new URL('/o/oauth2/consent', url), {method: 'POST', body: form})
if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
