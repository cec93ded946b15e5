/** A range that is set aside for a purpose. */
export interface SpecialRange {
  readonly range: string
  /** As people read it. */
  readonly name: string
  /** True where packets cross the Internet all the same: then country and network mean something. */
  readonly isGlobal?: boolean
}

/**
 * The special-purpose address registries of the IANA (iana-ipv4-special-registry, iana-ipv6-special-registry), with
 * multicast (RFC 5771, RFC 4291) and the deprecated site-local range (RFC 3879). Where ranges lie in one another the
 * narrowest counts. ::ffff:0:0/96 is absent: such addresses are IPv4 addresses before they get here.
 */
export const SPECIAL_RANGES: readonly SpecialRange[] = [
  { range: '0.0.0.0/8', name: 'this network' },
  { range: '0.0.0.0/32', name: 'unspecified' },
  { range: '10.0.0.0/8', name: 'private' },
  { range: '100.64.0.0/10', name: 'carrier-grade NAT' },
  { range: '127.0.0.0/8', name: 'loopback' },
  { range: '169.254.0.0/16', name: 'link-local' },
  { range: '172.16.0.0/12', name: 'private' },
  { range: '192.0.0.0/24', name: 'IETF protocols' },
  { range: '192.0.0.0/29', name: 'IPv4 service continuity' },
  { range: '192.0.0.8/32', name: 'dummy address' },
  { range: '192.0.0.9/32', name: 'port control anycast', isGlobal: true },
  { range: '192.0.0.10/32', name: 'TURN anycast', isGlobal: true },
  { range: '192.0.0.170/31', name: 'NAT64 discovery' },
  { range: '192.0.2.0/24', name: 'documentation' },
  { range: '192.31.196.0/24', name: 'AS112', isGlobal: true },
  { range: '192.52.193.0/24', name: 'multicast tunnelling', isGlobal: true },
  { range: '192.88.99.0/24', name: '6to4 relay', isGlobal: true },
  { range: '192.168.0.0/16', name: 'private' },
  { range: '192.175.48.0/24', name: 'AS112', isGlobal: true },
  { range: '198.18.0.0/15', name: 'benchmarking' },
  { range: '198.51.100.0/24', name: 'documentation' },
  { range: '203.0.113.0/24', name: 'documentation' },
  { range: '224.0.0.0/4', name: 'multicast' },
  { range: '233.252.0.0/24', name: 'multicast documentation' },
  { range: '240.0.0.0/4', name: 'reserved' },
  { range: '255.255.255.255/32', name: 'broadcast' },
  { range: '::/128', name: 'unspecified' },
  { range: '::1/128', name: 'loopback' },
  { range: '64:ff9b::/96', name: 'NAT64', isGlobal: true },
  { range: '64:ff9b:1::/48', name: 'local NAT64' },
  { range: '100::/64', name: 'discard' },
  { range: '100:0:0:1::/64', name: 'dummy address' },
  { range: '2001::/23', name: 'IETF protocols' },
  { range: '2001::/32', name: 'Teredo', isGlobal: true },
  { range: '2001:1::1/128', name: 'port control anycast', isGlobal: true },
  { range: '2001:1::2/128', name: 'TURN anycast', isGlobal: true },
  { range: '2001:1::3/128', name: 'DNS-SD anycast', isGlobal: true },
  { range: '2001:2::/48', name: 'benchmarking' },
  { range: '2001:3::/32', name: 'multicast tunnelling', isGlobal: true },
  { range: '2001:4:112::/48', name: 'AS112', isGlobal: true },
  { range: '2001:10::/28', name: 'ORCHID' },
  { range: '2001:20::/28', name: 'ORCHIDv2', isGlobal: true },
  { range: '2001:30::/28', name: 'drone identifiers', isGlobal: true },
  { range: '2001:db8::/32', name: 'documentation' },
  { range: '2002::/16', name: '6to4', isGlobal: true },
  { range: '2620:4f:8000::/48', name: 'AS112', isGlobal: true },
  { range: '3fff::/20', name: 'documentation' },
  { range: '5f00::/16', name: 'segment routing' },
  { range: 'fc00::/7', name: 'unique local' },
  { range: 'fe80::/10', name: 'link-local' },
  { range: 'fec0::/10', name: 'site-local' },
  { range: 'ff00::/8', name: 'multicast' },
]
