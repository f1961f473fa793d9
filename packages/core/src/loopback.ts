/** Whether only this computer is there: 127.0.0.0/8, ::1 (as an address, or as a URL has it), or the name that means them. */
export function isLoopback(host: string): boolean {
  return /^localhost\.?$/i.test(host) || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
