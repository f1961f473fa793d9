/** What cgpu installs into the environment that it makes: exact versions, those that its tests run with. */
export interface Pins {
  /** oldest Python that these versions take */
  from: [number, number]
  packages: string[]
}

/** Best first. */
const pins: readonly Pins[] = [
  {from: [3, 11], packages: ['jupyter_server==2.21.1', 'ipykernel==7.4.0']},
  // the last ones for 3.8 to 3.10 (the Python of macOS's developer tools is 3.9)
  {from: [3, 8], packages: ['jupyter_server==2.14.2', 'ipykernel==6.29.5']},
]

export const oldestPython: readonly [number, number] = [3, 8]

/** The packages for a Python; undefined when it is too old. */
export function pinsFor(version: readonly number[]): Pins | undefined {
  return pins.find(({from}) => atLeast(version, from))
}

export function atLeast(version: readonly number[], wanted: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1])
}
