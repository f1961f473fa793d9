/** Where Python's `splitlines` ends a line, which is where Jupyter's own files do. */
const lineEnd = /(?<=\r\n|\r(?!\n)|[\n\v\f\u001C-\u001E\u0085\u2028\u2029])/

/** With their ends. */
export const splitLines = (text: string): string[] => (text === '' ? [] : text.split(lineEnd))

/** Whether one of these lines is over. */
export const endsLine = (line: string): boolean => /[\n\v\f\r\u001C-\u001E\u0085\u2028\u2029]$/.test(line)
