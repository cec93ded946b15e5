import { afterEach, beforeEach, describe, expect } from 'vitest'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip', 'nft')
const PROBE = new URL('../support/rule-probe.ts', import.meta.url).pathname

/** `GATEHOUSE_RULE_FILES=20000 GATEHOUSE_RULE_SEED=7` tries more of them. */
const FILES = Number(process.env['GATEHOUSE_RULE_FILES'] ?? 1000)
const SEED = Number(process.env['GATEHOUSE_RULE_SEED'] ?? 2026)
const PACKETS = 20

interface Outcome {
  readonly files: number
  readonly packets: number
  readonly passed: number
  readonly stopped: number
  readonly byRule: number
  readonly audited: number
  /** Flows of which a simulation was asked as well. */
  readonly simulated: number
  /** Branches of the programs of all files. */
  readonly branches: number
  /** Of programs that rules tell apart. */
  readonly classes: number
  /** Maps that lead to them, of both kinds. */
  readonly hashed: number
  readonly searched: number
  readonly kinds: Readonly<Record<string, number>>
  readonly mismatches: readonly unknown[]
}

let wire: Wire

beforeEach(() => {
  wire = layWire()
})

afterEach(() => wire.remove())

describe('random rules and random packets', () => {
  test('what the kernel does with each packet is what judge and simulate say, and each rule counts what judge gives it', {
    // A machine that others keep busy took a second for a file.
    timeout: 120_000 + FILES * 1_000,
  }, () => {
    const { server, client } = wire
    const addresses = [server.ip4, server.ip6, client.ip4, client.ip6]
    const output = server.run(
      process.execPath,
      PROBE,
      client.namespace,
      `${FILES}`,
      `${PACKETS}`,
      `${SEED}`,
      ...addresses,
    )
    const outcome = JSON.parse(output) as Outcome

    expect(outcome.mismatches).toEqual([])
    expect(outcome).toMatchObject({ files: FILES, packets: FILES * PACKETS })
    // A trial in which nothing is at stake proves nothing.
    for (const share of [outcome.passed, outcome.stopped, outcome.byRule]) {
      expect(share).toBeGreaterThan(outcome.packets / 4)
    }
    expect(outcome.branches).toBeGreaterThan(FILES)
    expect(outcome.classes).toBeGreaterThan(FILES / 2)
    expect(Math.min(outcome.hashed, outcome.searched)).toBeGreaterThan(FILES / 10)
    expect(outcome.simulated).toBeGreaterThan(outcome.files)
    expect(outcome.audited).toBeGreaterThan(outcome.packets / 50)
    const kinds = Object.keys(outcome.kinds).join('\n')
    for (const kind of WANTED_KINDS) expect(kinds).toMatch(kind)
  })
})

const WANTED_KINDS = ['inbound', 'outbound', 'forward']
  .flatMap((direction) =>
    ['v4', 'v6'].flatMap((family) => [
      new RegExp(`${direction} ${family} 6 new`),
      new RegExp(`${direction} ${family} 6 invalid`),
      new RegExp(`${direction} ${family} 17 new`),
      new RegExp(`${direction} ${family} (1|58) (new|invalid)`),
    ]),
  )
  .concat([
    /inbound v4 1 related/,
    /inbound v6 58 related/,
    /inbound v6 58 untracked/,
    /outbound v4 17 established/,
  ])
