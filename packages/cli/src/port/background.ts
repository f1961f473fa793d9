/** Tells the process of a detached forward its record's id; nobody's to set by hand. */
export const backgroundVariable = 'CGPU_FORWARD_ID'

export function backgroundId(): string | undefined {
  const id = process.env[backgroundVariable]
  return id !== undefined && /^[0-9a-f]{8}$/.test(id) ? id : undefined
}
