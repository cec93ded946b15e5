import { type Cidr, type Ip, ipFromBytes } from '#model/address.ts'
import { AF_INET, AF_INET6 } from './libc.ts'
import {
  eachAttribute,
  type MessageReader,
  NETLINK,
  NetlinkSocket,
  NetlinkWriter,
  REQUEST,
} from './netlink.ts'

/** Message types, flags and attributes of rtnetlink (linux/rtnetlink.h, if_link.h, if_addr.h, if.h). */
const RTM_NEWLINK = 16
const RTM_GETLINK = 18
const RTM_NEWADDR = 20
const RTM_GETADDR = 22
const RTM_NEWROUTE = 24
const RTM_GETROUTE = 26
const RTMGRP_LINK = 0x1
const IFF_UP = 0x1
const IFF_LOOPBACK = 0x8
const IFF_RUNNING = 0x40
const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const RTA_OIF = 4
const RTA_GATEWAY = 5
const RTA_MULTIPATH = 9
const RTA_VIA = 18
const RT_TABLE_LOCAL = 255
const RTN_UNICAST = 1

/** Hardware types (linux/if_arp.h) that say how frames of a link begin. */
export const HARDWARE_TYPE = { ethernet: 1, loopback: 772, none: 65_534 } as const

/** A network interface as the kernel lists it. */
export interface Link {
  readonly index: number
  readonly name: string
  /** Switched on by the administrator. */
  readonly up: boolean
  /** Up and with a carrier. */
  readonly running: boolean
  readonly loopback: boolean
  /** ARPHRD number: see HARDWARE_TYPE. */
  readonly hardwareType: number
  /** Lower-case hex with colons; absent on links without a hardware address. */
  readonly mac?: string
}

/** One of this machine's own addresses. */
export interface LinkAddress {
  readonly interfaceIndex: number
  readonly family: 4 | 6
  readonly address: Ip
  /** Length of the network's prefix. */
  readonly prefixBits: number
  /** The network on that link, host bits zero. */
  readonly network: Cidr
}

/** A default route. Several may exist: per family, table, metric, and per path of a multipath route. */
export interface DefaultRoute {
  readonly family: 4 | 6
  readonly interfaceIndex?: number
  /** Absent where the link itself is the way out (tunnels, PPP). An IPv4 route may have an IPv6 gateway (RFC 5549). */
  readonly gateway?: Ip
}

/** All interfaces of this network namespace. Needs no privilege. Throws KernelError. */
export function readLinks(): Link[] {
  const links: Link[] = []
  request('list interfaces', RTM_GETLINK, new Uint8Array(16), (type, view, start, end) => {
    if (type === RTM_NEWLINK) links.push(parseLink(view, start, end))
  })
  return links
}

/** All addresses of this network namespace, IPv4 and IPv6. Needs no privilege. Throws KernelError. */
export function readAddresses(): LinkAddress[] {
  const addresses: LinkAddress[] = []
  request('list addresses', RTM_GETADDR, new Uint8Array(8), (type, view, start, end) => {
    const address = type === RTM_NEWADDR ? parseAddress(view, start, end) : undefined
    if (address) addresses.push(address)
  })
  return addresses
}

/** The default routes of all routing tables, IPv4 and IPv6. Needs no privilege. Throws KernelError. */
export function readRoutes(): DefaultRoute[] {
  const routes: DefaultRoute[] = []
  for (const family of [AF_INET, AF_INET6]) {
    const header = new Uint8Array(12)
    header[0] = family
    request('list routes', RTM_GETROUTE, header, (type, view, start, end) => {
      if (type === RTM_NEWROUTE) routes.push(...parseDefaultRoute(view, start, end))
    })
  }
  return routes
}

/** Calls `onChange` with the fresh list whenever an interface comes, goes or changes: once per burst of events. */
export function followLinks(onChange: (links: readonly Link[]) => void): { close(): void } {
  const socket = new NetlinkSocket(NETLINK.route, { groups: RTMGRP_LINK, nonblocking: true })
  let pending: NodeJS.Immediate | undefined
  const changed = (): void => {
    pending ??= setImmediate(() => {
      pending = undefined
      onChange(readLinks())
    })
  }
  // Events that did not fit into the socket's buffer are lost, but reading the list again makes up for them.
  socket.onMessage(changed, changed)
  return {
    close() {
      clearImmediate(pending)
      socket.close()
    },
  }
}

function request(call: string, type: number, header: Uint8Array, read: MessageReader): void {
  const socket = new NetlinkSocket(NETLINK.route)
  try {
    const message = new NetlinkWriter(64).begin(type, REQUEST.request | REQUEST.dump, 1, header).end()
    socket.send(message.output())
    socket.dump(call, read)
  } finally {
    socket.close()
  }
}

/** struct ifinfomsg: family, pad, type (u16), index (i32), flags (u32), change (u32). */
function parseLink(view: DataView, start: number, end: number): Link {
  const flags = view.getUint32(start + 8, true)
  let name = ''
  let mac: string | undefined
  eachAttribute(view, start + 16, end, (type, from, to) => {
    if (type === IFLA_IFNAME) name = Buffer.from(bytesOf(view, from, to - 1)).toString('utf8')
    if (type === IFLA_ADDRESS && to - from === 6) mac = formatMac(view, from)
  })
  return {
    index: view.getInt32(start + 4, true),
    name,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    hardwareType: view.getUint16(start + 2, true),
    ...(mac !== undefined && { mac }),
  }
}

const formatMac = (view: DataView, from: number): string =>
  Array.from({ length: 6 }, (_, at) =>
    view
      .getUint8(from + at)
      .toString(16)
      .padStart(2, '0'),
  ).join(':')

/** struct ifaddrmsg: family, prefix length, flags, scope, index (u32). */
function parseAddress(view: DataView, start: number, end: number): LinkAddress | undefined {
  const family = familyOf(view.getUint8(start))
  if (family === undefined) return undefined
  const prefixBits = view.getUint8(start + 1)
  let local: Uint8Array | undefined
  let address: Uint8Array | undefined
  eachAttribute(view, start + 8, end, (type, from, to) => {
    // On a point-to-point link IFA_ADDRESS is the other end and IFA_LOCAL our own (linux/if_addr.h).
    if (type === IFA_LOCAL) local = bytesOf(view, from, to)
    if (type === IFA_ADDRESS) address = bytesOf(view, from, to)
  })
  const own = local ?? address
  const network = address ?? local
  if (own === undefined || network === undefined) return undefined
  return {
    interfaceIndex: view.getUint32(start + 4, true),
    family,
    address: ipFromBytes(own),
    prefixBits,
    network: `${ipFromBytes(withoutHostBits(network, prefixBits))}/${prefixBits}` as Cidr,
  }
}

/** struct rtmsg: family, destination bits, source bits, tos, table, protocol, scope, type, flags (u32). */
function parseDefaultRoute(view: DataView, start: number, end: number): DefaultRoute[] {
  const family = familyOf(view.getUint8(start))
  const isDefault = view.getUint8(start + 1) === 0 && view.getUint8(start + 7) === RTN_UNICAST
  if (family === undefined || !isDefault || view.getUint8(start + 4) === RT_TABLE_LOCAL) return []
  const paths: DefaultRoute[] = []
  const only = parsePath(view, start + 12, end, family)
  eachAttribute(view, start + 12, end, (type, from, to) => {
    if (type === RTA_MULTIPATH) paths.push(...parsePaths(view, from, to, family))
  })
  return paths.length > 0 ? paths : [only]
}

/** struct rtnexthop: length (u16), flags, hops, interface (i32), then its own attributes. */
function parsePaths(view: DataView, start: number, end: number, family: 4 | 6): DefaultRoute[] {
  const paths: DefaultRoute[] = []
  for (let at = start; at + 8 <= end; ) {
    const length = view.getUint16(at, true)
    if (length < 8 || at + length > end) break
    paths.push({
      ...parsePath(view, at + 8, at + length, family),
      interfaceIndex: view.getInt32(at + 4, true),
    })
    at += (length + 3) & ~3
  }
  return paths
}

function parsePath(view: DataView, start: number, end: number, family: 4 | 6): DefaultRoute {
  let interfaceIndex: number | undefined
  let gateway: Ip | undefined
  eachAttribute(view, start, end, (type, from, to) => {
    if (type === RTA_OIF) interfaceIndex = view.getInt32(from, true)
    if (type === RTA_GATEWAY) gateway = ipFromBytes(bytesOf(view, from, to))
    // struct rtvia: family (u16), then the address.
    if (type === RTA_VIA) gateway = ipFromBytes(bytesOf(view, from + 2, to))
  })
  return {
    family,
    ...(interfaceIndex !== undefined && { interfaceIndex }),
    ...(gateway !== undefined && { gateway }),
  }
}

const familyOf = (number: number): 4 | 6 | undefined =>
  number === AF_INET ? 4 : number === AF_INET6 ? 6 : undefined

const bytesOf = (view: DataView, from: number, to: number): Uint8Array =>
  new Uint8Array(view.buffer.slice(view.byteOffset + from, view.byteOffset + to))

const withoutHostBits = (bytes: Uint8Array, bits: number): Uint8Array =>
  bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))))
