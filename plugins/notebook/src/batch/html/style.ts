/** The report's look, dark and light, for screens and paper. */
export const style = `
:root { color-scheme: light dark; --text: #1c2024; --dim: #5a626b; --page: #ffffff; --raised: #f5f6f8; --line: #d8dce1; --ok: #11723a; --bad: #b3261e; --idle: #6b5b00; --link: #0b57b0; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8ea; --dim: #a2abb4; --page: #14171a; --raised: #1d2226; --line: #363d44; --ok: #5fce8b; --bad: #ff8a80; --idle: #e0c35c; --link: #84b6ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2, h3 { overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
a { color: var(--link); }
.dim { color: var(--dim); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .75rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--dim); font-weight: 600; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; }
table.parameters { width: auto; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; margin: .5rem 0; overflow-x: auto; }
.status { font-weight: 600; white-space: nowrap; }
.ok { color: var(--ok); }
.bad { color: var(--bad); }
.idle { color: var(--idle); }
.bar { display: block; height: .45rem; min-width: 2px; margin-top: .4rem; border-radius: 3px; background: var(--link); }
summary { cursor: pointer; color: var(--dim); }
@media print { body { max-width: none; padding: 0; } pre { white-space: pre-wrap; } }
`
