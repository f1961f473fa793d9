/** Units of lengths of time as people write them, in ms. */
export const unitMs: Readonly<Record<string, number>> = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000}

/** `90s`, `1.5h`, `1h30m` in ms; undefined: it is no length of time. */
export function parseLength(text: string): number | undefined {
  const trimmed = text.trim()
  if (!/^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[smhdw]))+$/.test(trimmed)) return undefined
  return [...trimmed.matchAll(/([\d.]+)([a-z]+)/g)].reduce((sum, [, number, unit]) => sum + Number(number) * (unitMs[unit ?? ''] ?? 0), 0)
}
