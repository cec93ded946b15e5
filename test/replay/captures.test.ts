import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readCapture } from '#capture/sources/pcap.ts'
import type { Finding } from '#model/finding.ts'
import { createWatch } from '../../src/watch.ts'

const folder = new URL('../captures/', import.meta.url)

interface Label {
  readonly capture: string
  readonly attack: string | null
  readonly attacker: string | null
  readonly benignClients: readonly string[]
}

const labels = JSON.parse(readFileSync(new URL('labels.json', folder), 'utf8')) as Label[]

/** What must be said of each attack; of others nothing. */
const EXPECTED: Readonly<Record<string, readonly [detector: string, kind: string]>> = {
  port_scan_vertical_syn: ['port-scan', 'syn'],
  port_scan_fin: ['port-scan', 'fin'],
  port_scan_xmas: ['port-scan', 'xmas'],
  port_scan_udp: ['port-scan', 'udp'],
  port_scan_horizontal: ['host-sweep', 'syn'],
  port_scan_slow: ['port-scan', 'syn'],
  port_scan_decoys: ['port-scan', 'syn'],
  port_scan_decoys_routed: ['port-scan', 'decoys'],
  port_scan_masscan: ['port-scan', 'syn'],
  flood_syn_spoofed: ['flood', 'syn'],
  flood_udp: ['flood', 'udp'],
  slow_http: ['slow-http', 'slow-request'],
}

/** The findings of one capture, and each as a line: seconds since the first packet, and everything that must stay. */
async function findingsOf(capture: string): Promise<{ findings: Finding[]; lines: string }> {
  const findings: Finding[] = []
  const watch = createWatch({ seed: 1, onFinding: (finding) => findings.push(finding) })
  let firstAt = 0
  let lastAt = 0
  await readCapture(new URL(capture, folder).pathname, {
    frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan) {
      firstAt ||= at
      lastAt = at
      watch.sink.frame(view, offset, captured, length, at, linkType, interfaceIndex, vlan)
    },
  })
  watch.close(lastAt)
  const lines = findings.map((finding) =>
    [
      `+${((finding.at - firstAt) / 1000).toFixed(6)}`,
      finding.again ? 'again' : 'first',
      ...[finding.detector, finding.kind, finding.severity, finding.confidence, finding.technique],
      ...[
        finding.subject,
        '→',
        finding.victim ?? 'many',
        ...(finding.blame ? ['blames nobody'] : []),
        `count=${finding.evidence.count}`,
      ],
      ...[finding.spoofable ? 'spoofable' : 'proven', finding.because],
    ].join(' '),
  )
  return { findings, lines: `${lines.join('\n') || 'nothing'}\n` }
}

describe.each(labels)('$capture', ({ capture, attack, attacker, benignClients }) => {
  test('gives exactly the findings that are kept beside it', async () => {
    const { lines } = await findingsOf(capture)
    await expect(lines).toMatchFileSnapshot(`../captures/${capture.replace('.pcap.gz', '.findings.txt')}`)
  })

  test('names the attacker and blames nobody else', async () => {
    const { findings } = await findingsOf(capture)
    const expected = EXPECTED[attack ?? '']
    const blamed = new Set(findings.filter(({ blame }) => !blame).map(({ subject }) => subject as string))
    const isForged = attacker === 'random'
    expect([...blamed]).toEqual(expected && !isForged ? [attacker] : [])
    for (const client of benignClients) if (client !== attacker) expect(blamed).not.toContain(client)
    const severe = findings.filter(({ severity }) => severity === 'high')
    expect([...new Set(severe.map(({ detector, kind }) => `${detector} ${kind}`))]).toEqual(
      expected ? [expected.join(' ')] : [],
    )
  })
})

test('a scan of 1,000 ports is found before it has learnt 2 % of them', async () => {
  const { findings } = await findingsOf('nmap-sS-T4.pcap.gz')
  expect(findings[0]?.evidence.count).toBeLessThanOrEqual(20)
})
