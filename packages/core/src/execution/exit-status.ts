/** The exit status for a cell's error, as CPython would end with it. */
export function cellExitStatus(error: {name: string; value: string} | undefined, interrupted: boolean): number {
  if (interrupted) return 130
  if (error?.name !== 'SystemExit') return 1
  // sys.exit(): None and 0 are success, an int is the status, anything else is printed and means 1
  if (error.value === '' || error.value === 'None') return 0
  return /^-?\d+$/.test(error.value) ? Number(BigInt.asUintN(8, BigInt(error.value))) : error.value === 'True' ? 1 : error.value === 'False' ? 0 : 1
}
