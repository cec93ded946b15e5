import type { SocketKey } from '#model/owner.ts'
import type { KnownProcess } from './process-book.ts'

const MAX_PINGERS = 256
/** A program that has ended may still have sent what is asked about now. */
const REMEMBERED_MS = 60_000

interface Pinger {
  readonly process: KnownProcess
  readonly protocol: number
  readonly openedAt: number
  /** To whom it connected a socket since: ping(8) asks so for its own address first. */
  peer: string | undefined
}

export interface FoundPinger {
  readonly process: KnownProcess
  /** Others may have sent it too. */
  readonly isGuess: boolean
}

/** Programs with a socket for ICMP. Its packets name no socket: who sent them is told by whom the program talks to. */
export class Pingers {
  #pingers: Pinger[] = []

  /** `now` is monotonic, in milliseconds. */
  opened(process: KnownProcess, protocol: number, now: number): void {
    this.#pingers = this.#pingers.filter((one) => isOfUse(one, now)).slice(1 - MAX_PINGERS)
    this.#pingers.push({ process, protocol, openedAt: now, peer: undefined })
  }

  has(process: KnownProcess): boolean {
    return this.#pingers.some((one) => one.process === process)
  }

  connected(process: KnownProcess, peer: string): void {
    for (const one of this.#pingers) if (one.process === process) one.peer = peer
  }

  /** The newest that talks to this peer, else the newest of which that is not known. */
  find(
    { protocol, peerAddress }: Pick<SocketKey, 'protocol' | 'peerAddress'>,
    now: number,
  ): FoundPinger | undefined {
    const able = this.#pingers.filter((one) => one.protocol === protocol && isOfUse(one, now))
    const sure = able.findLast(({ peer }) => peer === peerAddress)
    if (sure) return { process: sure.process, isGuess: false }
    const possible = able.filter(({ peer }) => peer === undefined)
    const last = possible.at(-1)
    return (
      last && { process: last.process, isGuess: possible.some(({ process }) => process !== last.process) }
    )
  }
}

const isOfUse = ({ process, openedAt }: Pinger, now: number): boolean =>
  !process.hasEnded || now - openedAt < REMEMBERED_MS
