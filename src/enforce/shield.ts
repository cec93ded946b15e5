import { readFileSync } from 'node:fs'
import { KernelError } from '#kernel/libc.ts'
import { NftTable } from '#kernel/nft.ts'
import { TableScript } from '#kernel/nft-rules.ts'
import { SocketDiag } from '#kernel/sock-diag.ts'
import { SOCKET_STATE, SocketTable } from '#kernel/socket-table.ts'
import { type Ip, isIpv6 } from '#model/address.ts'
import { type Endpoint, endpointText } from '#model/endpoint.ts'
import type { PartHealth } from '#model/health.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { addressText } from './segments.ts'
import type { PacedPort } from './shield-pace.ts'
import { isEmpty, type ShieldContent, writeShield } from './shield-table.ts'

const MOST_PORTS = 64
const MOST_CHALLENGED = 1_024
const MOST_SPARED = 16_384
const PROTOCOL = { tcp: 6, udp: 17 } as const

/**
 * What stands between strangers and this machine's ports where a block of addresses would hit the wrong ones: a SYN
 * proxy before a flooded port or for sources that may be forged, closed ports, decoys. A table of its own, which is
 * there only while it is needed. Never throws because the kernel refuses.
 */
export interface Shield {
  /** `false`: the kernel refuses, or there are too many already. Times are milliseconds since the epoch. */
  guard(port: number, until: number): boolean
  challenge(sources: readonly Ip[], until: number): boolean
  /** Lets few new packets a second to a UDP port, and all of conversations that are under way. */
  pace(place: PacedPort): boolean
  unpace(place: Endpoint): boolean
  unguard(port: number): boolean
  unchallenge(sources: readonly Ip[]): boolean
  closePort(port: number, until: number): boolean
  openPort(port: number): boolean
  decoys(places: { readonly ports: readonly number[]; readonly addresses: readonly Ip[] }): boolean
  isGuarded(port: number): boolean
  isChallenged(source: Ip): boolean
  /** What is in force, each with its end. */
  standing(): Pick<ShieldContent, 'guarded' | 'challenged' | 'paced' | 'closed'>
  /** Whether a program listens at this port. */
  isListening(port: number, protocol?: 'tcp' | 'udp'): boolean
  /** Whether this machine passes packets of this family on to others. */
  isForwarding(address: Ip): boolean
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
  readonly #paced = new Map<string, PacedPort>()
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
    const before = sources.map((source) => [source, this.#challenged.get(source)] as const)
    for (const source of sources) this.#challenged.set(source, until)
    return this.#written(() => {
      for (const [source, end] of before) restore(this.#challenged, source, end)
    })
  }

  pace(place: PacedPort): boolean {
    const key = endpointText(place)
    const before = this.#paced.get(key)
    if (before === undefined && this.#paced.size >= MOST_PORTS) return false
    const { known } = before ?? place
    this.#paced.set(key, { ...place, known, until: Math.max(place.until, before?.until ?? 0) })
    return this.#written(() => restore(this.#paced, key, before))
  }

  unpace(place: Endpoint): boolean {
    return !this.#paced.delete(endpointText(place)) || this.#write()
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

  isListening(port: number, protocol: 'tcp' | 'udp' = 'tcp'): boolean {
    const sockets = this.#readSockets()
    for (let row = 0; row < (sockets?.count ?? 0); row++) {
      if (sockets?.localPort[row] !== port || sockets.protocol[row] !== PROTOCOL[protocol]) continue
      // Datagrams have no listeners: who holds the port takes them.
      if (protocol === 'udp' || sockets.state[row] === SOCKET_STATE.listen) return true
    }
    return false
  }

  isForwarding(address: Ip): boolean {
    return setting(isIpv6(address) ? 'ipv6/conf/all/forwarding' : 'ipv4/ip_forward')[0] === 1
  }

  get hasCookies(): boolean {
    return setting('ipv4/tcp_syncookies')[0] !== 0
  }

  tick(now: number): void {
    const isOver = [endOf(this.#guarded, now), endOf(this.#closed, now), endOf(this.#challenged, now)]
    const isPaced = [...this.#paced].map(([key, { until }]) => until <= now && this.#paced.delete(key))
    if (this.#guarded.size + this.#challenged.size === 0) this.#spared = []
    const isGone = !isEmpty(this.#content()) && this.#table?.fingerprint() !== this.#fingerprint
    if ([...isOver, ...isPaced, isGone].includes(true) || this.#refusal) this.#write()
  }

  get health(): PartHealth {
    if (this.#refusal) return { part: 'shield', state: 'degraded', ...this.#refusal }
    const parts = [
      counted(this.#guarded.size, 'port behind a SYN proxy', 'ports behind a SYN proxy'),
      counted(this.#challenged.size, 'address is challenged', 'addresses are challenged'),
      counted(this.#paced.size, 'UDP port at a slow pace', 'UDP ports at a slow pace'),
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

  #put(times: Map<number, number>, port: number, how: { until: number; most: number }): boolean {
    const before = times.get(port)
    if (before === undefined && times.size >= how.most) return false
    if (before === undefined && times === this.#guarded) this.#spareConnections()
    times.set(port, Math.max(how.until, before ?? 0))
    return this.#written(() => restore(times, port, before))
  }

  /** What the kernel refuses is taken back: one thing that it lacks must not keep it from all else. */
  #written(takeBack: () => void): boolean {
    if (this.#write()) return true
    takeBack()
    this.#write()
    return false
  }

  #content(): ShieldContent {
    return {
      guarded: this.#guarded,
      challenged: this.#challenged,
      paced: this.#paced,
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
      if (sockets.protocol[row] !== PROTOCOL.tcp || state === SOCKET_STATE.listen) continue
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

/** Forgets what is over; answers whether anything was. */
function endOf<Key>(times: Map<Key, number>, now: number): boolean {
  const over = [...times].filter(([, until]) => until <= now)
  for (const [key] of over) times.delete(key)
  return over.length > 0
}

function restore<Key, Value>(map: Map<Key, Value>, key: Key, before: Value | undefined): void {
  if (before === undefined) map.delete(key)
  else map.set(key, before)
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
