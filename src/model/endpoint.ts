import { type Ip, isIpv6, parseIp } from './address.ts'

/** A port of an address. */
export interface Endpoint {
  readonly address: Ip
  readonly port: number
}

/** As people write it: `192.0.2.7:53`, `[2001:db8::7]:53`. */
export const endpointText = ({ address, port }: Endpoint): string =>
  isIpv6(address) ? `[${address}]:${port}` : `${address}:${port}`

/** Reads what `endpointText` writes; undefined when it is no such thing. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const address = parseIp(bracketed ?? plain ?? '')
  const port = Number(digits)
  if (address === undefined || !(port >= 1 && port <= 65_535)) return undefined
  return { address, port }
}
