import { readFileSync } from 'node:fs'

/** A socket that sends and receives a protocol as it is (raw), or echoes of ICMP (ping). */
export interface RawSocket {
  readonly protocol: number
  readonly inode: number
  readonly uid: number
}

const ICMP = 1
const ICMPV6 = 58
/** The fields of a line, parted by spaces (net/ipv4/raw.c, ping.c). */
const FIELD = { local: 1, uid: 7, inode: 9 } as const

/** Raw sockets have their protocol where others have the port; ping sockets their number. */
const FILES = [
  { name: 'raw' },
  { name: 'raw6' },
  { name: 'icmp', protocol: ICMP },
  { name: 'icmp6', protocol: ICMPV6 },
] as const

/** Raw and ping sockets of the network namespace of this thread. A file that this kernel lacks holds none. */
export function readRawSockets(folder = '/proc/thread-self/net'): RawSocket[] {
  return FILES.flatMap((file) => {
    let text: string
    try {
      text = readFileSync(`${folder}/${file.name}`, 'utf8')
    } catch {
      return []
    }
    return parseRawSockets(text, 'protocol' in file ? file.protocol : undefined)
  })
}

/** The lines of /proc/net/raw and its like; those that are of another form are passed over. */
export function parseRawSockets(text: string, protocol?: number): RawSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/)
      const number = Number.parseInt(fields[FIELD.local]?.split(':')[1] ?? '', 16)
      const [uid, inode] = [Number(fields[FIELD.uid]), Number(fields[FIELD.inode])]
      if (![number, uid, inode].every(Number.isInteger)) return []
      return [{ protocol: protocol ?? number, inode, uid }]
    })
}
