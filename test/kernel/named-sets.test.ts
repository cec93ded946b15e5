import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'

const test = testWith('root', 'ip')
const PROBE = fileURLToPath(new URL('../support/named-probe.ts', import.meta.url))

interface Outcome {
  readonly inSet: number
  readonly isNewest: boolean
  readonly prolongedMs: number
  readonly health: string
}

let wire: Wire

beforeEach(() => {
  wire = layWire()
})

afterEach(() => wire.remove())

describe('sets that names fill', () => {
  test('take no more addresses than there is room for, whoever owns the name, and prolong those that they have', () => {
    const outcome = JSON.parse(wire.server.run(process.execPath, PROBE)) as Outcome
    expect(outcome).toMatchObject({ inSet: 65_536, isNewest: false, health: 'ok' })
    expect(outcome.prolongedMs).toBeGreaterThan(3_000_000)
  })
})
