import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arp, deliver, ETHERTYPE, ethernet, said } from '../../../test/support/frames.ts'
import { createWatch } from '../../watch.ts'

/** Tables so small that rows, flows and hosts make room for one another all the time. */
const limits = { maxHosts: 64, maxFlows: 32 }

const packet = fc.record({
  kind: fc.constantFrom('tcp' as const, 'udp' as const, 'icmp' as const, 'arp' as const),
  from: fc.integer({ min: 1, max: 120 }),
  to: fc.integer({ min: 1, max: 120 }),
  sourcePort: fc.integer({ min: 1, max: 65_535 }),
  targetPort: fc.integer({ min: 0, max: 40 }),
  flags: fc.subarray(['S', 'A', 'F', 'R', 'P', 'U']),
  type: fc.constantFrom(0, 3, 8, 11),
  options: fc.constantFrom(0, 4, 20),
  wait: fc.integer({ min: 0, max: 400 }),
})

test('whatever packets come, no detector fails, and what is reported holds together', () => {
  fc.assert(
    fc.property(fc.array(packet, { minLength: 200, maxLength: 1000 }), (packets) => {
      const wrong: unknown[] = []
      const watch = createWatch({
        seed: 1,
        limits,
        onFinding: (finding) => {
          const { evidence } = finding
          const isSound =
            evidence.count > 0 &&
            evidence.firstAt <= evidence.lastAt &&
            evidence.lastAt <= finding.at &&
            (evidence.ports?.length ?? 0) <= 64 &&
            (evidence.hosts?.length ?? 0) <= 64
          if (!isSound) wrong.push(finding)
        },
      })
      let now = 1_000_000
      for (const { kind, from, to, wait, flags, ...about } of packets) {
        now += wait
        const [source, target] = [`10.0.0.${from}`, `10.0.0.${to}`]
        const frame =
          kind === 'arp'
            ? ethernet(arp((wait & 1) + 1, [2, 0, 0, 0, 0, 1], source, target), { type: ETHERTYPE.arp })
            : said({
                from: `${source}:${about.sourcePort}`,
                to: `${target}:${about.targetPort}`,
                protocol: kind,
                flags: flags.join(''),
                type: about.type,
                options: about.options,
              })
        deliver(watch.sink, frame, now)
      }
      watch.close(now + 5000)
      expect(wrong).toEqual([])
      expect(watch.detection.health().filter(({ state }) => state !== 'ok')).toEqual([])
    }),
    { numRuns: 30 },
  )
})
