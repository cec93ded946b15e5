import { readFileSync } from 'node:fs'

/** What this process may do, as far as Gatehouse cares (capabilities(7)). */
export interface Capabilities {
  readonly isRoot: boolean
  /** nftables, closing sockets, large socket buffers. */
  readonly netAdmin: boolean
  /** AF_PACKET: capture. */
  readonly netRaw: boolean
  readonly bpf: boolean
  readonly perfmon: boolean
  /** Reading the open files and the executable of other users' programs. */
  readonly sysPtrace: boolean
  readonly dacReadSearch: boolean
  /** Stands in for `bpf` and `perfmon` before kernel 5.8. */
  readonly sysAdmin: boolean
}

/** Bit numbers (linux/capability.h). */
const CAP = {
  dacReadSearch: 2,
  netAdmin: 12,
  netRaw: 13,
  sysPtrace: 19,
  sysAdmin: 21,
  perfmon: 38,
  bpf: 39,
} as const

/** The capabilities in force for the calling thread. */
export const capabilities = (): Capabilities =>
  parseCapabilities(readFileSync('/proc/thread-self/status', 'utf8'))

/** Reads the `Uid` and `CapEff` lines of a /proc/PID/status text; what is missing there counts as not held. */
export function parseCapabilities(status: string): Capabilities {
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  const has = (bit: number): boolean => ((held >> BigInt(bit)) & 1n) === 1n
  return {
    isRoot: /^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1] === '0',
    netAdmin: has(CAP.netAdmin),
    netRaw: has(CAP.netRaw),
    bpf: has(CAP.bpf),
    perfmon: has(CAP.perfmon),
    sysPtrace: has(CAP.sysPtrace),
    dacReadSearch: has(CAP.dacReadSearch),
    sysAdmin: has(CAP.sysAdmin),
  }
}
