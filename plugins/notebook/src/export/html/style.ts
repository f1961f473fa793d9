/** The page's style: one set of colours for light, one for dark. */
export const pageStyle = `
:root { color-scheme: light dark; --text: #1f2328; --soft: #59636e; --page: #ffffff; --code: #f6f8fa; --line: #d1d9e0; --link: #0860ca; --stderr: #fff1e5;
  --keyword: #cf222e; --string: #0a3069; --number: #0550ae; --comment: #59636e; --name: #6639ba; --type: #953800;
  --black: #24292f; --red: #cf222e; --green: #116329; --yellow: #7d4e00; --blue: #0969da; --magenta: #8250df; --cyan: #1b7c83; --white: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9198a1; --page: #0d1117; --code: #161b22; --line: #3d444d; --link: #4493f8; --stderr: #2d1f12;
  --keyword: #ff7b72; --string: #a5d6ff; --number: #79c0ff; --comment: #9198a1; --name: #d2a8ff; --type: #ffa657;
  --black: #6e7681; --red: #ff7b72; --green: #3fb950; --yellow: #d29922; --blue: #58a6ff; --magenta: #bc8cff; --cyan: #39c5cf; --white: #b1bac4; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere }
a { color: var(--link) }
pre, code, .prompt { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .85rem; line-height: 1.45 }
pre { margin: 0; white-space: pre-wrap; tab-size: 4 }
.text pre, .source { background: var(--code); border: 1px solid var(--line); border-radius: 4px; padding: .6rem .8rem }
.text :not(pre) > code { background: var(--code); border-radius: 3px; padding: .1em .3em }
.text blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--soft) }
.cell { margin: 1rem 0 }
.code { display: grid; grid-template-columns: 4.5rem minmax(0, 1fr); gap: .25rem .75rem }
.prompt { color: var(--soft); text-align: right; padding-top: .65rem; user-select: none; overflow-wrap: normal; white-space: nowrap }
.output { grid-column: 2; min-width: 0; overflow-x: auto; padding: .2rem .8rem }
.prompt + .output { grid-column: auto }
.prompt.out { padding-top: .2rem }
.stderr, .error { background: var(--stderr); border-radius: 4px }
img, svg { max-width: 100%; height: auto }
.output > img { background: #fff }
iframe { width: 100%; height: 20rem; border: 0; background: #fff; color-scheme: light; resize: vertical }
table { border-collapse: collapse; font-size: .9rem; margin: .3rem 0 }
th, td { border: 1px solid var(--line); padding: .25rem .6rem }
.dataframe th, .dataframe td { text-align: right }
nav ul { list-style: none; padding-left: 1rem }
.missing { color: var(--soft) }
math[display="block"] { overflow-x: auto; overflow-y: hidden; padding: .3rem 0 }
.hljs-keyword, .hljs-literal, .hljs-operator, .hljs-tag, .hljs-deletion { color: var(--keyword) }
.hljs-string, .hljs-regexp, .hljs-addition { color: var(--string) }
.hljs-number, .hljs-attr, .hljs-variable, .hljs-symbol, .hljs-meta { color: var(--number) }
.hljs-comment, .hljs-quote { color: var(--comment); font-style: italic }
.hljs-title, .hljs-name, .hljs-section { color: var(--name) }
.hljs-built_in, .hljs-type, .hljs-class { color: var(--type) }
.hljs-subst { color: var(--text) }
${['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'].map((name) =>
    `.ansi-${name}-fg, .ansi-bright-${name}-fg { color: var(--${name}) } .ansi-${name}-bg, .ansi-bright-${name}-bg { background: color-mix(in srgb, var(--${name}) 30%, var(--page)) }`).join('\n')}
@media print { main { max-width: none; padding: 0 } .source, .output pre { break-inside: auto } img, table { break-inside: avoid } @page { margin: 15mm } }
`

/** What a frame shows is foreign: black on white, as most of it expects. */
export const frameStyle = 'body{margin:0;font:14px/1.5 system-ui,sans-serif;color:#1f2328;background:#fff}table{border-collapse:collapse}th,td{border:1px solid #d1d9e0;padding:.25rem .6rem}img,svg{max-width:100%}'

/** The page's only script: frames get the height of what they hold. Scripts within them do not run. */
export const frameScript = `for (const frame of document.querySelectorAll('iframe[srcdoc]')) {
  const fit = () => { const page = frame.contentDocument?.documentElement; if (page) frame.style.height = page.scrollHeight + 'px' }
  frame.addEventListener('load', fit)
  fit()
}`
