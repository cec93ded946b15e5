import type { Finding } from '#model/finding.ts'
import { createWatch, type Watch } from '../../src/watch.ts'
import { deliver, ethernet, icmp, ipv4, type Said, said, udp } from './frames.ts'

/** A network in which packets are sent by hand, before the real engine and all detectors. Times are milliseconds. */
export interface Scene {
  readonly findings: readonly Finding[]
  readonly watch: Watch
  /** Any packet, now. */
  say(about: Said): void
  pass(milliseconds: number): void
  /** The port refuses by RST. */
  refused(try_: Try): void
  /** A handshake, data and a proper end. */
  connects(try_: Try): void
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

const START = Date.UTC(2026, 0, 1)
const REAL_OPTIONS = 20

export function scene(settings: Readonly<Record<string, unknown>> = {}): Scene {
  const findings: Finding[] = []
  const watch = createWatch({ seed: 1, settings, onFinding: (finding) => findings.push(finding) })
  let now = START
  let nextPort = 40_000
  const say = (about: Said): void => {
    now += 0.01
    deliver(watch.sink, said(about), now)
  }
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
    findings,
    watch,
    say,
    pass(milliseconds) {
      for (const until = now + milliseconds; now < until; ) {
        now = Math.min(until, now + 1000)
        watch.tick(now)
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
    silent: (try_) => tcp(try_, [], []),
    halfOpen: (try_) => tcp(try_, ['back', 'there'], ['SA', 'R']),
    udpRefused(try_, code = 3) {
      const { port } = ends(try_)
      say({ from: `${try_.from}:${port}`, to: `${try_.to}:${try_.port}`, protocol: 'udp' })
      const about = ipv4(udp(port, try_.port), { source: try_.from, target: try_.to, protocol: 17 })
      now += 0.01
      const error = ipv4(icmp(3, code, about), { source: try_.to, target: try_.from, protocol: 1 })
      deliver(watch.sink, ethernet(error), now)
    },
    udpSilent(try_) {
      const { there, back } = ends(try_)
      say({ from: there, to: back, protocol: 'udp' })
    },
    udpAnswered(try_) {
      const { there, back } = ends(try_)
      say({ from: there, to: back, protocol: 'udp' })
      say({ from: back, to: there, protocol: 'udp' })
    },
  }
}

/** 1 to `last`, or `first` to `last`. */
export const range = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)
