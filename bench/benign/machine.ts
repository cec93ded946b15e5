import { createNet, type Net } from '#detect/self-test/net.ts'
import { ip } from '#model/address.ts'
import type { LoginAttempt } from '#model/login.ts'
import type { Owner } from '#model/owner.ts'

/**
 * A machine at work, made up: what its programs and its visitors do in two hours, ten seconds at a time. Nobody attacks
 * anybody, but some fail, hurry or call again and again.
 */
export const OWN = '192.0.2.60'
export const GATEWAY = '192.0.2.1'
const [RESOLVER, DATABASE, MONITOR, RUNNER, BACKUP, COLLEAGUE, KIOSK, DEPLOYER] = [
  '192.0.2.2',
  '192.0.2.10',
  '192.0.2.70',
  '192.0.2.80',
  '192.0.2.11',
  '192.0.2.50',
  '192.0.2.51',
  '192.0.2.52',
] as const
export const STEP_MS = 10_000
export const STEPS = 720
const HOUR_STEPS = 360
const REAL_OPTIONS = 20

/** Who hears what happens. `owner` is told before the packets of its connection. */
export interface Hearing {
  frame(bytes: Uint8Array, at: number): void
  tick(at: number): void
  owner(localPort: number, owner: Owner): void
  login(attempt: Omit<LoginAttempt, 'at'>): void
}

export interface OfficeDay {
  /** Everything of one step; its time has passed then. */
  play(step: number): void
}

interface Visit {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly program?: string
  readonly request?: number | string
  /** Packets of the answer, and bytes of the last. */
  readonly packets?: number
  readonly last?: number
}

/** `seed` makes one day differ from another in its small things. */
export function officeDay(hearing: Hearing, seed: number): OfficeDay {
  const net = createNet(hearing)
  const day = new Day(net, hearing, seed)
  return {
    play(step) {
      day.play(step)
      net.pass(STEP_MS)
    },
  }
}

const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)
const site = (n: number): string => `198.51.100.${1 + (Math.abs(n) % 200)}`

class Day {
  readonly #net: Net
  readonly #hearing: Hearing
  #random: number
  #port = 20_000

  constructor(net: Net, hearing: Hearing, seed: number) {
    this.#net = net
    this.#hearing = hearing
    this.#random = seed
  }

  play(step: number): void {
    this.#browse(step)
    this.#failNowAndThen(step)
    this.#callHome(step)
    if (step % 6 === 0) this.#isMonitored()
    if (step > 120 && step <= 150) this.#videoCall()
    if (step % 120 === 60) this.#installPackages()
    if (step % HOUR_STEPS === 200) this.#buildBurst()
    if (step % HOUR_STEPS === 300) this.#backUp()
    this.#peopleLogIn(step)
  }

  /** 0 to below `most`. */
  #chance(most: number): number {
    this.#random = (Math.imul(this.#random, 1_103_515_245) + 12_345) >>> 0
    return (this.#random >>> 8) % most
  }

  #newPort(program?: string): number {
    this.#port = this.#port === 60_000 ? 20_000 : this.#port + 1
    if (program !== undefined) this.#hearing.owner(this.#port, ownerNamed(program))
    return this.#port
  }

  /** A connection with a request, an answer and a proper end. */
  #visit({ from, to, port, program, request = 300, packets = 2, last = 700 }: Visit): void {
    const [there, back] = [`${from}:${this.#newPort(program)}`, `${to}:${port}`]
    const sent = typeof request === 'number' ? request : request.length
    const [out, home] = [
      { from: there, to: back },
      { from: back, to: there },
    ]
    const { say } = this.#net
    say({ ...out, flags: 'S', sequence: 1000, options: REAL_OPTIONS })
    say({ ...home, flags: 'SA', sequence: 5000, acknowledgement: 1001, options: REAL_OPTIONS })
    say({ ...out, flags: 'A', sequence: 1001, acknowledgement: 5001 })
    say({ ...out, flags: 'PA', sequence: 1001, acknowledgement: 5001, payload: request })
    let sequence = 5001
    for (const packet of range(packets)) {
      const payload = packet === packets ? last : 1400
      say({ ...home, flags: 'PA', sequence, acknowledgement: 1001 + sent, payload })
      sequence += payload
    }
    say({ ...out, flags: 'FA', sequence: 1001 + sent, acknowledgement: sequence })
    say({ ...home, flags: 'FA', sequence, acknowledgement: 1002 + sent })
    say({ ...out, flags: 'A', sequence: 1002 + sent, acknowledgement: sequence + 1 })
  }

  #resolve(count: number): void {
    for (const _ of range(count)) {
      const there = `${OWN}:${this.#newPort('/usr/lib/systemd/systemd-resolved')}`
      this.#net.say({ from: there, to: `${RESOLVER}:53`, protocol: 'udp', payload: 45 })
      this.#net.say({ from: `${RESOLVER}:53`, to: there, protocol: 'udp', payload: 320 })
    }
  }

  #browse(step: number): void {
    const program = '/usr/bin/firefox'
    this.#resolve(4)
    for (const n of range(6)) {
      const to = site(step + (n % 3) + this.#chance(9))
      this.#visit({ from: OWN, to, port: 443, program, last: 200 + this.#chance(1_100) })
    }
    const request = 'GET /favicon.ico HTTP/1.1\r\nHost: example\r\n\r\n'
    this.#visit({ from: OWN, to: site(step), port: 80, program, request })
    for (const from of [COLLEAGUE, KIOSK])
      this.#visit({ from, to: OWN, port: 443, packets: 3, last: 100 + this.#chance(900) })
  }

  /** A service whose database is down tries every ten seconds; a kiosk asks for one that was shut down; a dead site. */
  #failNowAndThen(step: number): void {
    const sourcePort = this.#newPort('/usr/lib/app/server')
    this.#net.refused({ from: OWN, to: DATABASE, port: 5432, sourcePort })
    this.#net.refused({ from: KIOSK, to: OWN, port: 8081 })
    if (step % 30 === 0) this.#net.silent({ from: OWN, to: site(step + 77), port: 443 })
  }

  /** What calls by the clock: updates, time, a collector of figures. */
  #callHome(step: number): void {
    if (step % 30 === 0)
      this.#visit({ from: OWN, to: '203.0.113.20', port: 443, program: '/usr/bin/updater' })
    if (step % 6 === 3)
      this.#visit({ from: OWN, to: '203.0.113.21', port: 443, program: '/usr/bin/collector' })
    if (step % 7 === 0) {
      const there = `${OWN}:${this.#newPort('/usr/sbin/chronyd')}`
      this.#net.say({ from: there, to: '203.0.113.22:123', protocol: 'udp', payload: 48 })
      this.#net.say({ from: '203.0.113.22:123', to: there, protocol: 'udp', payload: 48 })
    }
  }

  /** Fifty ports every minute: two are closed today, and SSH only sees somebody who leaves again. */
  #isMonitored(): void {
    for (const port of range(48)) this.#net.connects({ from: MONITOR, to: OWN, port })
    for (const port of [49, 50]) this.#net.refused({ from: MONITOR, to: OWN, port })
    this.#net.say({ from: MONITOR, to: OWN, protocol: 'icmp', type: 8, word: 1, payload: 56 })
    this.#net.say({ from: OWN, to: MONITOR, protocol: 'icmp', type: 0, word: 1, payload: 56 })
    this.#tried(MONITOR, 'probed')
  }

  #videoCall(): void {
    this.#hearing.owner(50_002, ownerNamed('/usr/bin/firefox'))
    const [here, there] = [`${OWN}:50002`, '203.0.113.77:3478']
    for (const _ of range(400)) {
      this.#net.say({ from: here, to: there, protocol: 'udp', payload: 1100 })
      this.#net.say({ from: there, to: here, protocol: 'udp', payload: 1100 })
    }
  }

  #installPackages(): void {
    this.#resolve(30)
    for (const n of range(80)) {
      this.#visit({ from: OWN, to: site(7), port: 443, program: '/usr/bin/apt', packets: 3, last: n * 13 })
    }
  }

  /** A build elsewhere fetches and tests against this machine, as fast as it can. */
  #buildBurst(): void {
    for (const _ of range(400))
      this.#visit({ from: RUNNER, to: OWN, port: 443, last: 100 + this.#chance(1_200) })
    for (const n of range(15)) {
      this.#visit({ from: RUNNER, to: OWN, port: 22, request: 1900, last: 900 + n * 60 })
      this.#tried(RUNNER, 'accepted')
    }
    for (const _ of range(120))
      this.#visit({ from: RUNNER, to: OWN, port: 5432, packets: 1, last: 420 + this.#chance(600) })
  }

  #backUp(): void {
    const program = '/usr/bin/restic'
    this.#visit({ from: OWN, to: BACKUP, port: 873, program, request: 1_400, packets: 3_000 })
  }

  /** Somebody mistypes twice; a key that was withdrawn is tried four times an hour. */
  #peopleLogIn(step: number): void {
    if (step % HOUR_STEPS === 90)
      for (const outcome of ['refused', 'refused', 'accepted'] as const) this.#logIn(COLLEAGUE, outcome)
    if (step % 90 === 45) this.#logIn(DEPLOYER, 'refused')
  }

  #logIn(from: string, outcome: LoginAttempt['outcome']): void {
    this.#visit({ from, to: OWN, port: 22, request: 1_900, last: outcome === 'accepted' ? 1_300 : 700 })
    this.#tried(from, outcome)
  }

  #tried(from: string, outcome: LoginAttempt['outcome']): void {
    const user = outcome === 'probed' ? {} : { user: 'anna' }
    this.#hearing.login({ program: 'sshd', service: 'ssh', outcome, address: ip(from), times: 1, ...user })
  }
}

const ownerNamed = (path: string): Owner => ({
  ...{ pid: 100 + path.length, path, name: path.split('/').at(-1) ?? path, commandLine: path },
  ...{ uid: 1000, source: 'ebpf' },
})
