import {lookup} from 'node:dns/promises'
import {BlockList, isIP} from 'node:net'

const privates = new BlockList()
for (const [net, prefix] of [['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.168.0.0', 16]] as const) privates.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [['::', 127], ['fc00::', 7], ['fe80::', 10]] as const) privates.addSubnet(net, prefix, 'ipv6')

export function isPrivateAddress(address: string): boolean {
  return privates.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Whether a host is in a network that only some can reach: this computer, a company's, a cloud's metadata. A name that has no address is not. */
export async function isPrivateHost(hostname: string): Promise<boolean> {
  const bare = hostname.replace(/^\[|\]$/g, '')
  if (isIP(bare) !== 0) return isPrivateAddress(bare)
  const found = await lookup(bare, {all: true}).catch(() => [])
  return found.some(({address}) => isPrivateAddress(address))
}
