import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readCapture } from '#capture/sources/pcap.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch } from '../../src/watch.ts'

/**
 * What the tools of `npm run bench:detection` put on the wire, kept with its options --keep and --no-block; an innocent
 * client works beside each. 512 bytes of a packet at the most.
 */
const folder = new URL('../captures/tools/', import.meta.url)
const AFTERMATH_MS = 30_000

interface Label {
  readonly capture: string
  readonly made: string
  readonly detector: string
  readonly kinds: readonly string[]
  readonly attacker: string
  /** False: nobody can be named, or it is told and no block follows. */
  readonly blamesAttacker: boolean
  readonly innocent: string
}

const labels = JSON.parse(readFileSync(new URL('labels.json', folder), 'utf8')) as Label[]

async function findingsOf(capture: string): Promise<Finding[]> {
  const findings: Finding[] = []
  const watch = createWatch({ seed: 1, onFinding: (finding) => findings.push(finding) })
  let lastAt = 0
  await readCapture(new URL(capture, folder).pathname, {
    // Eight parameters: FrameSink, a frame without an object around it.
    frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan) {
      lastAt = at
      watch.sink.frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan)
    },
  })
  for (let after = 1_000; after <= AFTERMATH_MS; after += 1_000) watch.tick(lastAt + after)
  return findings
}

describe.each(labels)('$made', ({ capture, detector, kinds, attacker, blamesAttacker, innocent }) => {
  test('is found as what it is, and the innocent client is not blamed', async () => {
    const findings = await findingsOf(capture)
    const right = findings.filter((finding) => finding.detector === detector && kinds.includes(finding.kind))
    expect(right).not.toEqual([])
    if (blamesAttacker) expect(right.map(({ subject }) => subject as string)).toContain(attacker)
    const severe = findings.filter(({ severity, blame }) => severity === 'high' && blame === undefined)
    const blamed = [...new Set(severe.map(({ subject }) => subject as string))]
    expect(blamed).not.toContain(innocent)
    if (blamesAttacker) expect(blamed).toEqual([attacker])
  })
})
