/** A JSON object whose values are not yet known. */
export type JsonObject = Record<string, unknown>

/** Whether a parsed value is an object that is neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value is an object with string values only. */
export function isStringRecord(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every(item => typeof item === 'string')
}

/**
 * JSON.parse for text from outside: a byte order mark is skipped and `__proto__` keys are left out, so that no
 * later copy or merge of the value can change a prototype. Throws SyntaxError, or RangeError on absurd nesting.
 */
export function parseJson(text: string): unknown {
  const body = text.startsWith('\ufeff') ? text.slice(1) : text
  // the reviver costs ten times the parse, so it runs only where the key may be there (also written as \u005f…)
  if (!/__proto__|\\u00(?:5f|[67]\d|[67][a-f])/i.test(body)) return JSON.parse(body)
  return JSON.parse(body, (key, value: unknown) => (key === '__proto__' ? undefined : value))
}
