import type { ZodType } from 'zod'
import type { Ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Usual } from '#model/baseline.ts'
import type { CallHome } from '#model/call-home.ts'
import type { NewSighting, ProgramChange } from '#model/first-seen.ts'
import type { Connection } from '#model/flow.ts'
import type { LoginAttempt } from '#model/login.ts'
import type { ReportedFinding } from './detector.ts'
import type { SelfTest } from './self-test/self-test.ts'

/**
 * A detector that looks at what the core knows (logs, connections with their owners, history) instead of at packets. It
 * is a file in `observers/`: found by its place, configured under its `id` among the detectors, and it can only report.
 */
export interface Observer<Settings> {
  readonly id: string
  readonly title: string
  /** MITRE ATT&CK technique id. */
  readonly technique: string
  /** How far it goes where nobody chose a mode: most only inform. */
  readonly usualMode: 'watch' | 'act'
  readonly settings: ZodType<Settings>
  readonly selfTest: SelfTest<Machine>
  observe(settings: Settings, context: ObserveContext): Observing
}

export interface ObserveContext {
  report(finding: ReportedFinding): void
}

/** What an observer may hear of; a missing method costs nothing. Times are milliseconds since the epoch. */
export interface Observing {
  /** A try to log in, from a log. */
  login?(attempt: LoginAttempt): void
  /** What programs, hosts and services carried since the last call: see core/volumes.ts. */
  carried?(parts: readonly Carried[], now: number): void
  /** Programs, and programs with hosts and countries, that were never seen before. */
  firstSeen?(sightings: readonly NewSighting[], now: number): void
  /** A program runs another binary than before; once for each binary. */
  programChanged?(change: ProgramChange, now: number): void
  /** About once a minute: who opens connections at regular intervals. */
  callHomes?(habits: readonly CallHome[], now: number): void
  /** About once a second: who must stay reachable on this machine, such as its gateways and DNS servers. */
  surroundings?(entries: readonly AllowEntry[], now: number): void
  /** A block of this address came to its end: what it did before is settled. */
  released?(address: Ip): void
  /** Since when this machine is watched, as far as the store knows. */
  watchedSince?(at: number): void
  /** About once a second. */
  tick?(now: number): void
  /** What it learned before the restart, row by row; before all else. */
  recall?(usual: readonly Usual[]): void
  /** What it learned and nobody kept yet; `all` at the end. */
  learned?(all: boolean): readonly Usual[]
  /** For `gatehouse doctor`: what it is still learning; undefined when it is not. */
  readonly learning?: string | undefined
}

/** A machine whose logs and history are made up, for self-tests. Times are milliseconds. */
export interface Machine {
  readonly heard: Required<Omit<Observing, 'learning'>>
  readonly now: number
  pass(milliseconds: number): void
}

/** A part of one connection: what was carried since the last time. */
export interface Carried {
  readonly connection: Connection
  readonly bytesIn: number
  readonly bytesOut: number
  /** True the first time. */
  readonly isNew: boolean
  /** True when the program was not known while these bytes were carried: hosts and services heard of them already. */
  readonly isLate: boolean
}

/** Gives an observer its types without naming them twice. */
export const defineObserver = <Settings>(observer: Observer<Settings>): Observer<Settings> => observer
