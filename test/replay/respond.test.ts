import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readCapture } from '#capture/sources/pcap.ts'
import type { Verdict } from '#model/verdict.ts'
import { createAllowList } from '#policy/allow-list.ts'
import { createResponder } from '#policy/respond/respond.ts'
import { respondSettings } from '#policy/respond/settings.ts'
import { createWatch } from '../../src/watch.ts'

/** From packets to verdicts: what would be shut out in each labelled capture. */
const folder = new URL('../captures/', import.meta.url)

interface Label {
  readonly capture: string
  readonly attacker: string | null
  readonly benignClients: readonly string[]
}

const labels = JSON.parse(readFileSync(new URL('labels.json', folder), 'utf8')) as Label[]

async function verdictsOf(capture: string, chosen: object = {}): Promise<Verdict[]> {
  const { judge } = createResponder({
    settings: respondSettings.parse(chosen),
    allowList: createAllowList([]),
  })
  const verdicts: Verdict[] = []
  const watch = createWatch({ seed: 1, onFinding: (finding) => verdicts.push(judge(finding)) })
  let lastAt = 0
  await readCapture(new URL(capture, folder).pathname, {
    frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan) {
      lastAt = at
      watch.sink.frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan)
    },
  })
  watch.close(lastAt)
  return verdicts
}

const targetsOf = (verdicts: readonly Verdict[]): Set<string> =>
  new Set(verdicts.flatMap((verdict) => ('target' in verdict ? [verdict.target] : [])))

describe.each(labels)('$capture', ({ capture, attacker, benignClients }) => {
  test('leads to a block of its attacker and of nobody else', async () => {
    const isNamed = attacker !== null && attacker !== 'random'
    expect([...targetsOf(await verdictsOf(capture))]).toEqual(isNamed ? [attacker] : [])
  })

  test.each(['aggressive', 'paranoid'])('hits no benign client in the profile %s either', async (profile) => {
    const targets = targetsOf(await verdictsOf(capture, { profile }))
    for (const client of benignClients) if (client !== attacker) expect(targets).not.toContain(client)
  })
})

test('a SYN flood from random sources is told, and shuts out no stranger, whatever the budget', async () => {
  const verdicts = await verdictsOf('hping-synflood-randsrc.pcap.gz', { blocksPerMinute: 100_000 })
  expect(verdicts.map(({ action }) => action)).toContain('alert')
  expect(verdicts.map(({ action }) => action)).not.toContain('block')
  expect(verdicts.map(({ action }) => action)).not.toContain('limit')
})
