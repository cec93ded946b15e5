import { readFileSync } from 'node:fs'
import { KernelError } from '#kernel/libc.ts'
import { NftTable } from '#kernel/nft.ts'
import { TableScript } from '#kernel/nft-rules.ts'
import { SocketDiag } from '#kernel/sock-diag.ts'
import { SOCKET_STATE, SocketTable } from '#kernel/socket-table.ts'
import type { Ip } from '#model/address.ts'
import type { PartHealth } from '#model/health.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { addressText } from './segments.ts'
import { isEmpty, type ShieldContent, writeShield } from './shield-table.ts'

const MOST_PORTS = 64
const MOST_CHALLENGED = 1_024
const MOST_SPARED = 16_384
const PROTOCOL_TCP = 6

/**
 * What stands between strangers and this machine's ports where a block of addresses would hit the wrong ones: a SYN
 * proxy before a flooded port or for sources that may be forged, closed ports, decoys. A table of its own, which is
 * there only while it is needed. Never throws because the kernel refuses.
 */
export interface Shield {
  /** `false`: the kernel refuses, or there are too many already. Times are milliseconds since the epoch. */
  guard(port: number, until: number): boolean
  challenge(sources: readonly Ip[], until: number): boolean
  unguard(port: number): boolean
  unchallenge(sources: readonly Ip[]): boolean
  closePort(port: number, until: number): boolean
  openPort(port: number): boolean
  decoys(places: { readonly ports: readonly number[]; readonly addresses: readonly Ip[] }): boolean
  isGuarded(port: number): boolean
  isChallenged(source: Ip): boolean
  /** What is in force, each with its end. */
  standing(): Pick<ShieldContent, 'guarded' | 'challenged' | 'closed'>
  /** Whether a program listens at this TCP port. */
  isListening(port: number): boolean
  /** Whether the kernel answers SYN floods by itself (net.ipv4.tcp_syncookies). */
  readonly hasCookies: boolean
  /** Ends what is over, and puts back what others took away. Call once a second. */
  tick(now: number): void
  readonly health: PartHealth
  stop(): void
}

export const createShield = (table: string, now: () => number): Shield => new NftShield(table, now)

class NftShield implements Shield {
  readonly #name: string
  readonly #now: () => number
  readonly #guarded = new Map<number, number>()
  readonly #challenged = new Map<Ip, number>()
  readonly #closed = new Map<number, number>()
  #decoys: ReadonlySet<number> = new Set()
  #decoyAddresses: readonly Ip[] = []
  #spared: ShieldContent['spared'] = []
  #table: NftTable | undefined
  #fingerprint: string | undefined
  #refusal: Refusal | undefined
  readonly #sockets = new SocketTable()
  #diag: SocketDiag | undefined

  constructor(name: string, now: () => number) {
    this.#name = name
    this.#now = now
    this.#open()?.transact((writer, next) => new TableScript(writer, name, next).clear())
  }

  guard(port: number, until: number): boolean {
    return this.#put(this.#guarded, port, { until, most: MOST_PORTS })
  }

  closePort(port: number, until: number): boolean {
    return this.#put(this.#closed, port, { until, most: MOST_PORTS })
  }

  openPort(port: number): boolean {
    return !this.#closed.delete(port) || this.#write()
  }

  challenge(sources: readonly Ip[], until: number): boolean {
    const fresh = sources.filter((source) => !this.#challenged.has(source))
    if (this.#challenged.size + fresh.length > MOST_CHALLENGED) return false
    if (fresh.length > 0) this.#spareConnections()
    for (const source of sources) this.#challenged.set(source, until)
    return this.#write()
  }

  unguard(port: number): boolean {
    return !this.#guarded.delete(port) || this.#write()
  }

  unchallenge(sources: readonly Ip[]): boolean {
    const gone = sources.filter((source) => this.#challenged.delete(source))
    return gone.length === 0 || this.#write()
  }

  decoys({
    ports,
    addresses,
  }: {
    readonly ports: readonly number[]
    readonly addresses: readonly Ip[]
  }): boolean {
    this.#decoys = new Set(ports)
    this.#decoyAddresses = addresses
    return this.#write()
  }

  isGuarded = (port: number): boolean => this.#guarded.has(port)
  isChallenged = (source: Ip): boolean => this.#challenged.has(source)
  standing = (): ShieldContent => this.#content()

  isListening(port: number): boolean {
    const sockets = this.#readSockets()
    for (let row = 0; row < (sockets?.count ?? 0); row++) {
      const isThere = sockets?.localPort[row] === port && sockets.protocol[row] === PROTOCOL_TCP
      if (isThere && sockets.state[row] === SOCKET_STATE.listen) return true
    }
    return false
  }

  get hasCookies(): boolean {
    return setting('ipv4/tcp_syncookies')[0] !== 0
  }

  tick(now: number): void {
    let isChanged = false
    for (const times of [this.#guarded, this.#closed, this.#challenged] as Map<unknown, number>[]) {
      for (const [key, until] of times) if (until <= now) isChanged = times.delete(key) || isChanged
    }
    if (this.#guarded.size + this.#challenged.size === 0) this.#spared = []
    const isGone = !isEmpty(this.#content()) && this.#table?.fingerprint() !== this.#fingerprint
    if (isChanged || isGone || this.#refusal) this.#write()
  }

  get health(): PartHealth {
    if (this.#refusal) return { part: 'shield', state: 'degraded', ...this.#refusal }
    const parts = [
      counted(this.#guarded.size, 'port behind a SYN proxy', 'ports behind a SYN proxy'),
      counted(this.#challenged.size, 'address is challenged', 'addresses are challenged'),
      counted(this.#closed.size, 'port is closed', 'ports are closed'),
      counted(this.#decoys.size + this.#decoyAddresses.length, 'decoy', 'decoys'),
    ].filter((words) => words !== '')
    return { part: 'shield', state: 'ok', note: parts.join(', ') || 'not needed now' }
  }

  stop(): void {
    this.#table?.remove()
    this.#table?.close()
    this.#table = undefined
  }

  /** Three numbers and a map: what is refused is taken back. */
  #put(times: Map<number, number>, port: number, how: { until: number; most: number }): boolean {
    const before = times.get(port)
    if (before === undefined && times.size >= how.most) return false
    if (before === undefined && times === this.#guarded) this.#spareConnections()
    times.set(port, Math.max(how.until, before ?? 0))
    return this.#write()
  }

  #content(): ShieldContent {
    return {
      guarded: this.#guarded,
      challenged: this.#challenged,
      closed: this.#closed,
      decoys: this.#decoys,
      decoyAddresses: this.#decoyAddresses,
      spared: this.#spared,
    }
  }

  #write(): boolean {
    const table = this.#open()
    if (!table) return false
    const content = this.#content()
    const errno = table.transact((writer, next) =>
      writeShield(new TableScript(writer, this.#name, next), content, this.#now()),
    )
    this.#refusal = errno === 0 ? undefined : refusalOf(errno, this.#name, true)
    this.#fingerprint = table.fingerprint()
    return errno === 0
  }

  #open(): NftTable | undefined {
    try {
      this.#table ??= new NftTable(this.#name)
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      this.#refusal = refusalOf(error.errno, this.#name, false)
    }
    return this.#table
  }

  /** Connection tracking may not know connections that are older than the table: those pass as they are. */
  #spareConnections(): void {
    const sockets = this.#readSockets()
    if (!sockets) return
    const spared: { peer: Ip; port: number }[] = []
    for (let row = 0; row < sockets.count && spared.length < MOST_SPARED; row++) {
      const state = sockets.state[row]
      if (sockets.protocol[row] !== PROTOCOL_TCP || state === SOCKET_STATE.listen) continue
      const port = sockets.peerPort[row] as number
      if (port !== 0) spared.push({ peer: peerOf(sockets, row), port })
    }
    this.#spared = spared
  }

  #readSockets(): SocketTable | undefined {
    try {
      this.#diag ??= new SocketDiag()
      this.#diag.fill(this.#sockets)
      return this.#sockets
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      return undefined
    }
  }
}

function peerOf({ peer, version }: SocketTable, row: number): Ip {
  const words = version[row] === 4 ? 1 : 4
  const bytes = new Uint8Array(words * 4)
  const view = new DataView(bytes.buffer)
  for (let word = 0; word < words; word++) view.setUint32(word * 4, peer[row * 4 + word] as number)
  return addressText(bytes)
}

/** The numbers of a kernel setting of networking; none where there is none. */
function setting(path: string): number[] {
  try {
    return readFileSync(`/proc/sys/net/${path}`, 'utf8').trim().split(/\s+/).map(Number)
  } catch {
    return []
  }
}

const counted = (count: number, one: string, many: string): string =>
  count === 0 ? '' : `${count} ${count === 1 ? one : many}`
