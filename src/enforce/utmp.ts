import { type Ip, ipFromBytes, parseIp } from '#model/address.ts'

/** Somebody who is logged in from another machine. */
export interface Login {
  readonly user: string
  /** Terminal, such as `pts/0`; empty when there is none. */
  readonly terminal: string
  readonly from: Ip
  /** The session's first process, where the place says it. */
  readonly pid?: number
}

/** struct utmp (utmp(5)): arm64 has a wider session id and time stamp than x86-64. */
const LAYOUT = {
  x64: { bytes: 384, address: 348 },
  arm64: { bytes: 400, address: 360 },
} as const
const USER_PROCESS = 7
const TERMINAL = [8, 40] as const
const USER = [44, 76] as const
const HOST = [76, 332] as const

/** The remote logins that a utmp file lists. Whatever the bytes, it does not throw: a half record is left out. */
export function parseUtmp(file: Uint8Array, arch: string = process.arch): Login[] {
  const layout = arch === 'arm64' ? LAYOUT.arm64 : LAYOUT.x64
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const logins: Login[] = []
  for (let at = 0; at + layout.bytes <= file.length; at += layout.bytes) {
    if (view.getInt16(at, true) !== USER_PROCESS) continue
    const record = file.subarray(at, at + layout.bytes)
    const from = addressIn(record.slice(layout.address, layout.address + 16)) ?? parseIp(textIn(record, HOST))
    const pid = view.getInt32(at + 4, true)
    if (from) logins.push({ user: textIn(record, USER), terminal: textIn(record, TERMINAL), from, pid })
  }
  return logins
}

/** ut_addr_v6: an IPv4 address is in the first four bytes, the others are zero. No address is all zero. */
function addressIn(bytes: Uint8Array): Ip | undefined {
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1
  if (used === 0) return undefined
  return ipFromBytes(used <= 4 ? bytes.slice(0, 4) : bytes)
}

function textIn(record: Uint8Array, [start, end]: readonly [number, number]): string {
  const field = record.subarray(start, end)
  const length = field.indexOf(0)
  return Buffer.from(length < 0 ? field : field.subarray(0, length)).toString('utf8')
}
