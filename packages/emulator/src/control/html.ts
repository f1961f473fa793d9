const entities: Record<string, string> = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'}

/** Text as it stands in HTML, attributes included. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** A small page of the emulator; `body` is HTML. It names itself, so that nobody takes it for Google's. */
export function page(title: string, body: string, status = 200): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem; color: #202124; background: #fff }
button, .button { font: inherit; padding: .5rem 1.25rem; margin: .25rem .5rem .25rem 0; border: 1px solid #5f6368; border-radius: .25rem; background: #fff; color: inherit; cursor: pointer }
button[value=allow] { background: #1a4fb4; border-color: #1a4fb4; color: #fff }
code { word-break: break-all }
footer { margin-top: 3rem; color: #5f6368; font-size: .875rem }
</style>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${body}
</main>
<footer>This is the cgpu emulator on your own machine, not Google.</footer>
</body>
</html>
`
  return new Response(html, {
    status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    },
  })
}
