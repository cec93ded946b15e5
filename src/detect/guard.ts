import type { BitSet } from '#lib/bit-set.ts'
import type { Flows } from '#model/flow.ts'
import type { PartHealth } from '#model/health.ts'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { PacketSigns, SIGN_COMBINATIONS, signsOf } from './packet-signs.ts'

/** A detector at its place. */
export interface Post {
  readonly id: string
  readonly settingsText: string
  readonly watcher: Watcher
}

/** What a detector hears of one event. The guard only hands on the two arguments, whatever they are. */
interface Line {
  readonly post: number
  /** Of packets: those that show one of these signs. */
  readonly signs: number
  hear: (first: never, second: never) => void
}

type Tell = (first: never, second: never) => void
type TellPacket = (packet: Packet) => void

/** Stands between the engine and the detectors: one that throws is switched off, the others go on. */
export class Guard {
  readonly watcher: Watcher
  readonly #health: PartHealth[]
  readonly #lines: Line[] = []

  /** `followed`: flows whose packets somebody asked for. */
  constructor(posts: readonly Post[], flows: Flows, followed: BitSet) {
    this.#health = posts.map(({ id }) => ({ part: `detector ${id}`, state: 'ok', note: 'watching' }))
    const wanted = EVENTS.filter((event) => posts.some(({ watcher }) => watcher[event] !== undefined))
    const wishes = posts.flatMap(({ watcher }) => watcher.wishes ?? [])
    const signs = new PacketSigns(flows, followed, wishes)
    this.watcher = Object.fromEntries(
      wanted.map((event) => {
        const lines = this.#linesOf(event, posts)
        return [event, event === 'packet' ? this.#bySigns(lines, posts, signs) : this.#callAll(event, lines)]
      }),
    )
  }

  get health(): readonly PartHealth[] {
    return [...this.#health]
  }

  #linesOf(event: WatcherEvent, posts: readonly Post[]): readonly Line[] {
    const lines = posts.flatMap(({ watcher }, post): Line[] => {
      const listener = watcher[event]
      if (!listener) return []
      return [{ post, signs: signsOf(watcher.wishes), hear: listener.bind(watcher) as Line['hear'] }]
    })
    this.#lines.push(...lines)
    return lines
  }

  /** Hot: a packet is told to those who asked for its protocol, and of TCP and UDP for what it shows. */
  #bySigns(lines: readonly Line[], posts: readonly Post[], signs: PacketSigns): (packet: Packet) => void {
    const asked = (protocol: number): readonly Line[] =>
      lines.filter(({ post }) => posts[post]?.watcher.protocols?.includes(protocol) ?? true)
    const [tcp, udp] = [
      this.#eachCombination(asked(PROTOCOL.tcp)),
      this.#eachCombination(asked(PROTOCOL.udp)),
    ]
    const others = this.#callAll('packet', lines) as unknown as TellPacket
    return (packet) => {
      if (packet.protocol === PROTOCOL.tcp) tcp[signs.ofTcp(packet)]?.(packet)
      else if (packet.protocol === PROTOCOL.udp) udp[signs.ofUdp(packet)]?.(packet)
      else others(packet)
    }
  }

  /** Who is to be told of a packet, by the signs that it shows; undefined: nobody. */
  #eachCombination(lines: readonly Line[]): readonly (TellPacket | undefined)[] {
    return Array.from({ length: SIGN_COMBINATIONS }, (_, shown) => {
      const interested = lines.filter(({ signs }) => (signs & shown) !== 0)
      return interested.length === 0
        ? undefined
        : (this.#callAll('packet', interested) as unknown as TellPacket)
    })
  }

  /** Hot: one loop for all detectors; the `try` around it costs nothing unless it catches. */
  #callAll(event: WatcherEvent, lines: readonly Line[]): Tell {
    return (first, second) => {
      for (let at = 0; at < lines.length; ) {
        try {
          for (; at < lines.length; at++) lines[at]?.hear(first, second)
        } catch (cause) {
          this.#switchOff(lines[at]?.post ?? 0, event, cause)
          at++
        }
      }
    }
  }

  #switchOff(post: number, event: string, cause: unknown): void {
    for (const line of this.#lines) if (line.post === post) line.hear = () => {}
    this.#health[post] = {
      part: this.#health[post]?.part ?? 'detector',
      state: 'off',
      reason: `failed at ${event}: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: 'Restart Gatehouse to switch it on again, and report this as a bug.',
    }
  }
}

type WatcherEvent = Exclude<keyof Watcher, 'protocols' | 'wishes'>

const EVENTS: readonly WatcherEvent[] = [
  'packet',
  'arp',
  'fragment',
  'flowOpened',
  'flowAnswered',
  'flowRefused',
  'flowAborted',
  'flowEnded',
  'hostForgotten',
  'hostReleased',
  'tick',
]
