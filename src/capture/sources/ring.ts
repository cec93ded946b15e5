import type { CapturedInterface, FrameSink, SourceCounts } from '#capture/source.ts'
import { KernelError } from '#kernel/libc.ts'
import { followLinks, type Link, readLinks } from '#kernel/links.ts'
import { linkTypeOf, PacketRing } from '#kernel/packet-ring.ts'
import { goAhead } from '#kernel/priority.ts'
import type { PartHealth } from '#model/health.ts'

/** Blocks of one ring per turn of the event loop: about 25,000 small packets, so that timers and other rings get theirs. */
const BLOCKS_PER_TURN = 512

/** 16 MB hold 0.2 s of 500,000 small packets a second. Beyond the first rings memory counts more: 68 interfaces take 320 MB. */
const WIDE_RING_BYTES = 16 << 20
const WIDE_RINGS = 4
const NARROW_RING_BYTES = 4 << 20
const MAX_RINGS = 68

/** Names kept, so that a flow finds the name of its interface; containers make and drop interfaces all day. */
const MAX_INTERFACES = 1_024

/** How long after an error on a ring the list of interfaces is read again. */
const RETRY_MS = 100

export interface RingSourceOptions {
  readonly sink: FrameSink
  /** Interfaces to watch; none: all that are up, but not loopback. */
  readonly interfaces: readonly string[]
  /** Watch loopback too. */
  readonly loopback: boolean
  /** Bytes kept of each frame. */
  readonly snapBytes: number
  readonly onHealth: (health: PartHealth) => void
}

/** Counts of one interface, over all its comings and goings. */
export interface InterfaceCounts extends SourceCounts {
  readonly name: string
}

/** Frames off the wire of every watched interface, for as long as it is up. */
export interface RingSource {
  /** What the frames' `interfaceIndex` means. A place is given to another name only after 1,024 others came. */
  readonly interfaces: readonly CapturedInterface[]
  readonly health: PartHealth
  counts(): InterfaceCounts[]
  close(): void
}

/** One place of the table of interfaces. */
interface Place {
  readonly index: number
  readonly name: string
  readonly link: Link
  readonly linkType: number
  ring: PacketRing | undefined
  /** Counts of its earlier rings. */
  before: SourceCounts
}

/** Starts at once, and its thread goes before others. Never throws for what the kernel refuses: `health` says it. */
export const openRingSource = (options: RingSourceOptions): RingSource => new Rings(options)

class Rings implements RingSource {
  readonly interfaces: CapturedInterface[] = []
  readonly #options: RingSourceOptions
  readonly #places: Place[] = []
  readonly #links: { close(): void }
  #health: PartHealth = { part: 'capture', state: 'ok', note: 'starting' }
  #refusal: KernelError | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(options: RingSourceOptions) {
    this.#options = options
    goAhead()
    // Followed first, listed second: an interface that comes up in between is not missed.
    this.#links = followLinks((links) => this.#agreeWith(links))
    this.#agreeWith(readLinks())
  }

  get health(): PartHealth {
    return this.#health
  }

  counts(): InterfaceCounts[] {
    return this.#places.map(({ name, ring, before }) => ({ name, ...sum(before, ring?.counts()) }))
  }

  close(): void {
    clearTimeout(this.#retry)
    this.#links.close()
    for (const place of this.#places) closeRing(place)
  }

  /** Opens and closes rings until they are those of the wanted interfaces. */
  #agreeWith(links: readonly Link[]): void {
    const wanted = links.filter((link) => this.#wants(link))
    for (const place of this.#places) {
      const stays = wanted.some((link) => link.index === place.link.index && link.name === place.name)
      if (!stays) this.#drainAndClose(place)
    }
    this.#refusal = undefined
    for (const link of wanted) this.#openRing(link)
    this.#judge(links, wanted)
  }

  #wants(link: Link): boolean {
    const { interfaces, loopback } = this.#options
    if (!link.up || linkTypeOf(link) === undefined) return false
    if (interfaces.includes(link.name)) return true
    return link.loopback ? loopback : interfaces.length === 0
  }

  #openRing(link: Link): void {
    const open = this.#places.filter(({ ring }) => ring !== undefined)
    if (open.length >= MAX_RINGS || open.some((place) => place.link.index === link.index)) return
    const ringBytes = open.length < WIDE_RINGS ? WIDE_RING_BYTES : NARROW_RING_BYTES
    const place = this.#placeFor(link)
    const { snapBytes } = this.#options
    try {
      const ring = new PacketRing({ link, interfaceIndex: place.index, snapBytes, ringBytes })
      place.ring = ring
      ring.watch(
        () => ring.drain(this.#options.sink, BLOCKS_PER_TURN),
        () => this.#lost(place),
      )
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      // ENODEV, ENETDOWN: it went away meanwhile, and the next list will say so.
      if (error.code !== 'ENODEV' && error.code !== 'ENETDOWN') this.#refusal = error
    }
  }

  /** The place that this name had before, a new one, or one that is out of use. */
  #placeFor(link: Link): Place {
    const linkType = linkTypeOf(link) ?? 0
    const known = this.#places.findIndex(
      (place) => place.name === link.name && place.linkType === linkType && place.ring === undefined,
    )
    const index = known >= 0 ? known : this.#freePlace()
    const before = this.#places[known]?.before ?? NOTHING
    const place: Place = { index, name: link.name, link, linkType, ring: undefined, before }
    this.#places[index] = place
    this.interfaces[index] = { name: link.name, linkType }
    return place
  }

  #freePlace(): number {
    if (this.#places.length < MAX_INTERFACES) return this.#places.length
    // There are fewer rings than places, so one is free.
    return this.#places.findIndex((place) => place.ring === undefined)
  }

  #lost(place: Place): void {
    this.#drainAndClose(place)
    // Down and up again may be over by now, without another event to come: look again, but not in a spin.
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#agreeWith(readLinks()), RETRY_MS)
  }

  #drainAndClose(place: Place): void {
    place.ring?.drain(this.#options.sink, Number.MAX_SAFE_INTEGER)
    closeRing(place)
  }

  #judge(links: readonly Link[], wanted: readonly Link[]): void {
    const watched = this.#places.flatMap(({ name, ring }) => (ring ? [name] : []))
    const health = healthOf({ links, wanted, watched, refusal: this.#refusal, options: this.#options })
    const isNews = JSON.stringify(health) !== JSON.stringify(this.#health)
    this.#health = health
    if (isNews) this.#options.onHealth(health)
  }
}

function closeRing(place: Place): void {
  if (place.ring === undefined) return
  place.ring.close()
  place.before = sum(place.before, place.ring.counts())
  place.ring = undefined
}

const NOTHING: SourceCounts = { received: 0, dropped: 0 }

const sum = (a: SourceCounts, b: SourceCounts = NOTHING): SourceCounts => ({
  received: a.received + b.received,
  dropped: a.dropped + b.dropped,
})

/** What the rings came to. */
interface Outcome {
  readonly links: readonly Link[]
  readonly wanted: readonly Link[]
  readonly watched: readonly string[]
  readonly refusal: KernelError | undefined
  readonly options: Pick<RingSourceOptions, 'interfaces' | 'loopback'>
}

function healthOf(outcome: Outcome): PartHealth {
  const { links, wanted, watched, refusal, options } = outcome
  if (refusal) return refused(refusal, watched.length > 0)
  const missing = options.interfaces.filter((name) => !watched.includes(name))
  const waiting = missing.map((name) => whyNot(name, links)).join('; ')
  if (missing.length > 0) {
    return degraded(
      `waiting for ${waiting}`,
      'Bring the interface up (ip link set … up), or name another with --interface. Gatehouse goes on by itself once it is there.',
    )
  }
  if (watched.length < wanted.length) {
    return degraded(
      `${wanted.length} interfaces are up, ${watched.length} of them are watched`,
      'Name those that matter with --interface.',
    )
  }
  if (watched.length === 0) {
    return degraded(
      'no network interface is up',
      'Bring one up (ip link set … up); to watch loopback, ask for it with --interface lo.',
    )
  }
  return { part: 'capture', state: 'ok', note: `watching ${watched.toSorted().join(', ')}` }
}

function whyNot(name: string, links: readonly Link[]): string {
  const link = links.find((other) => other.name === name)
  if (link === undefined) return `${name}: no such interface`
  if (!link.up) return `${name}: it is down`
  return linkTypeOf(link) === undefined
    ? `${name}: its frames (hardware type ${link.hardwareType}) carry no IP that Gatehouse can read`
    : `${name}: its ring could not be opened`
}

function refused(refusal: KernelError, somethingRuns: boolean): PartHealth {
  if (refusal.code === 'EPERM' || refusal.code === 'EACCES') {
    return {
      part: 'capture',
      state: 'off',
      reason: 'no permission to read packets (CAP_NET_RAW)',
      remedy: 'Run it as root: sudo npm start.',
    }
  }
  return {
    part: 'capture',
    state: somethingRuns ? 'degraded' : 'off',
    reason: `the kernel refused a packet ring: ${refusal.message} (${refusal.code})`,
    remedy:
      refusal.code === 'ENOMEM'
        ? 'Free memory, or name fewer interfaces with --interface: each takes up to 16 MB.'
        : 'The kernel needs CONFIG_PACKET and TPACKET_V3 (Linux 4.20 or later).',
  }
}

const degraded = (reason: string, remedy: string): PartHealth => ({
  part: 'capture',
  state: 'degraded',
  reason,
  remedy,
})
