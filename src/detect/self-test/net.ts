import { ethernet, icmp, ipv4, type Said, said, udp } from './frames.ts'

/** A network in which packets are sent by hand, as tests and self-tests do. Times are milliseconds. */
export interface Net {
  /** Any packet, now. */
  say(about: Said): void
  /** Any frame, now. */
  send(frame: Uint8Array): void
  pass(milliseconds: number): void
  /** The port refuses by RST. */
  refused(try_: Try): void
  /** A handshake, data and a proper end. */
  connects(try_: Try): void
  /** A handshake, a request, an answer and a proper end. */
  talks(talk: Talk): void
  /** No answer. */
  silent(try_: Try): void
  /** SYN, SYN-ACK, RST. */
  halfOpen(try_: Try): void
  /** A UDP port that answers by ICMP: port unreachable (3) unless told. */
  udpRefused(try_: Try, code?: number): void
  udpSilent(try_: Try): void
  udpAnswered(try_: Try): void
}

export interface Try {
  readonly from: string
  readonly to: string
  readonly port: number
  /** A new one each time unless told. */
  readonly sourcePort?: number
  /** Letters, `S` unless told. */
  readonly flags?: string
  /** Bytes of TCP options in the SYN: 20 of a real stack unless told. */
  readonly options?: number
}

/** So many bytes, or this text, each way. */
export interface Talk extends Pick<Try, 'from' | 'to' | 'port'> {
  readonly sent: number | string
  readonly got?: number
}

/** Who hears what is sent. */
export interface Ear {
  frame(bytes: Uint8Array, at: number): void
  tick(now: number): void
}

const START = Date.UTC(2026, 0, 1)
const REAL_OPTIONS = 20
const FRAME_MS = 0.01

export function createNet(ear: Ear): Net {
  let now = START
  let nextPort = 40_000
  const send = (frame: Uint8Array): void => {
    now += FRAME_MS
    ear.frame(frame, now)
  }
  const say = (about: Said): void => send(said(about))
  const ends = (try_: Try): { there: string; back: string; port: number } => {
    const port = try_.sourcePort ?? nextPort++
    return { there: `${try_.from}:${port}`, back: `${try_.to}:${try_.port}`, port }
  }
  const tcp = (try_: Try, answers: readonly ('there' | 'back')[], flags: readonly string[]): void => {
    const { there, back } = ends(try_)
    say({ from: there, to: back, flags: try_.flags ?? 'S', options: try_.options ?? REAL_OPTIONS })
    answers.forEach((who, at) => {
      const [from, to] = who === 'there' ? [there, back] : [back, there]
      say({ from, to, flags: flags[at] ?? 'A', sequence: 1001, acknowledgement: 1001 })
    })
  }
  return {
    say,
    send,
    pass(milliseconds) {
      for (const until = now + milliseconds; now < until; ) {
        now = Math.min(until, now + 1000)
        ear.tick(now)
      }
    },
    refused: (try_) => tcp(try_, ['back'], ['RA']),
    connects(try_) {
      const { there, back } = ends(try_)
      say({ from: there, to: back, flags: 'S', sequence: 1000, options: try_.options ?? REAL_OPTIONS })
      say({ from: back, to: there, flags: 'SA', sequence: 5000, acknowledgement: 1001 })
      say({ from: there, to: back, flags: 'A', sequence: 1001, acknowledgement: 5001 })
      say({ from: there, to: back, flags: 'FA', sequence: 1001, acknowledgement: 5001 })
      say({ from: back, to: there, flags: 'FA', sequence: 5001, acknowledgement: 1002 })
      say({ from: there, to: back, flags: 'A', sequence: 1002, acknowledgement: 5002 })
    },
    talks(talk) {
      const { there, back } = ends(talk)
      const { sent, got = 250 } = talk
      const [asked, ended] = [1001 + (typeof sent === 'string' ? sent.length : sent), 5001 + got]
      const options = 12
      say({ from: there, to: back, flags: 'S', sequence: 1000, options: REAL_OPTIONS })
      say({
        from: back,
        to: there,
        flags: 'SA',
        sequence: 5000,
        acknowledgement: 1001,
        options: REAL_OPTIONS,
      })
      const out = { from: there, to: back, options }
      const home = { from: back, to: there, options }
      say({ ...out, flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: sent })
      say({ ...home, flags: 'PA', sequence: 5001, acknowledgement: asked, payload: got })
      say({ ...home, flags: 'FA', sequence: ended, acknowledgement: asked })
      say({ ...out, flags: 'FA', sequence: asked, acknowledgement: ended + 1 })
      say({ ...home, flags: 'A', sequence: ended + 1, acknowledgement: asked + 1 })
    },
    silent: (try_) => tcp(try_, [], []),
    halfOpen: (try_) => tcp(try_, ['back', 'there'], ['SA', 'R']),
    ...udpTries({ say, send, ends }),
  }
}

interface Wire extends Pick<Net, 'say' | 'send'> {
  ends(try_: Try): { there: string; back: string; port: number }
}

const udpTries = (wire: Wire): Pick<Net, 'udpRefused' | 'udpSilent' | 'udpAnswered'> => ({
  udpRefused(try_, code = 3) {
    const { port } = wire.ends(try_)
    wire.say({ from: `${try_.from}:${port}`, to: `${try_.to}:${try_.port}`, protocol: 'udp' })
    const about = ipv4(udp(port, try_.port), { source: try_.from, target: try_.to, protocol: 17 })
    wire.send(ethernet(ipv4(icmp(3, code, about), { source: try_.to, target: try_.from, protocol: 1 })))
  },
  udpSilent(try_) {
    const { there, back } = wire.ends(try_)
    wire.say({ from: there, to: back, protocol: 'udp' })
  },
  udpAnswered(try_) {
    const { there, back } = wire.ends(try_)
    wire.say({ from: there, to: back, protocol: 'udp' })
    wire.say({ from: back, to: there, protocol: 'udp' })
  },
})

/** 1 to `last`, or `first` to `last`. */
export const range = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
