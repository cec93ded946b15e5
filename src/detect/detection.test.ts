import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createEngine } from '#capture/engine.ts'
import { ip } from '#model/address.ts'
import type { Finding, Severity } from '#model/finding.ts'
import { Packet } from '#model/packet.ts'
import { createDetection, DetectorSettingsError, loadDetectors } from './detection.ts'
import { type Detector, defineDetector, type ReportedFinding } from './detector.ts'

const story = (about: { key?: string; at?: number; severity?: Severity }): ReportedFinding => ({
  kind: 'test',
  severity: about.severity ?? 'medium',
  confidence: 1,
  at: about.at ?? 0,
  subject: ip('192.0.2.1'),
  summary: '',
  key: about.key ?? 'one story',
  because: '',
  spoofable: false,
  evidence: { firstAt: 0, lastAt: 0, count: 0, ratePerSecond: 0, samples: [] },
})

const settings = z.object({ limit: z.number().default(1).describe('') }).strict()

/** A detector that tells a story for each packet, with the packet's time. */
const teller = (id: string, tell: (packet: Packet) => ReportedFinding): Detector<unknown> =>
  defineDetector({
    ...{ id, title: id, technique: 'T0000', settings },
    selfTest: { fires: () => {}, staysSilent: () => {} },
    watch: (_, context) => ({ packet: (packet) => context.report(tell(packet)) }),
  })

function detect(detectors: readonly Detector<unknown>[], chosen: Record<string, unknown> = {}) {
  const found: Finding[] = []
  const engine = createEngine({ seed: 1, maxHosts: 64, maxFlows: 64 })
  const detection = createDetection(detectors, chosen, engine, (finding) => found.push(finding))
  const packet = new Packet()
  const see = (at: number): void => {
    packet.at = at
    for (const watcher of detection.watchers) watcher.packet?.(packet)
  }
  return { found, detection, see }
}

test('every detector file is a detector named after its file', async () => {
  const detectors = await loadDetectors()
  expect(detectors.map(({ id }) => id)).toEqual(expect.arrayContaining(['flood', 'host-sweep', 'port-scan']))
  for (const { title, technique } of detectors) expect([title, technique]).not.toContain('')
})

test('every setting says what it is and has a default', async () => {
  for (const detector of await loadDetectors()) {
    expect(detector.settings.safeParse({}).success).toBe(true)
    const { shape } = detector.settings as z.ZodObject
    for (const setting of Object.values(shape)) expect((setting as z.ZodType).description).toMatch(/\w/)
  }
})

describe('settings', () => {
  const trouble = (chosen: Record<string, unknown>): DetectorSettingsError => {
    try {
      detect([teller('loud', () => story({}))], chosen)
    } catch (error) {
      if (error instanceof DetectorSettingsError) return error
    }
    throw new Error('the settings were taken')
  }

  test('that no detector has are refused, with the names that exist', () => {
    expect(trouble({ laud: {} })).toMatchObject({ path: 'detectors.laud', hint: 'Use one of: loud.' })
  })

  test('that do not fit are refused, with the place', () => {
    expect(trouble({ loud: { limit: 'much' } }).path).toBe('detectors.loud.limit')
    expect(trouble({ loud: { limits: 3 } }).message).toMatch(/^detectors.loud: .*limits/)
  })
})

describe('a story', () => {
  test('gets the name and technique of its detector', () => {
    const { found, see } = detect([teller('loud', () => story({}))])
    see(0)
    expect(found[0]).toMatchObject({ detector: 'loud', technique: 'T0000' })
    expect(found[0]?.again).toBeUndefined()
  })

  test('is not told twice within a second, and is marked when it is told again', () => {
    const { found, see } = detect([teller('loud', ({ at }) => story({ at }))])
    for (const at of [0, 10, 999, 1000]) see(at)
    expect(found.map(({ at, again }) => [at, again])).toEqual([
      [0, undefined],
      [1000, true],
    ])
  })

  test('is told at once when it got worse', () => {
    const { found, see } = detect([
      teller('loud', ({ at }) => story({ at, severity: at < 5 ? 'low' : 'high' })),
    ])
    for (const at of [0, 1, 5, 6]) see(at)
    expect(found.map(({ severity }) => severity)).toEqual(['low', 'high'])
  })

  test('is one of a thousand in a second at most; the rest is counted', () => {
    const { found, detection, see } = detect([teller('loud', ({ at }) => story({ at: 0, key: `${at}` }))])
    for (let at = 0; at < 1500; at++) see(at)
    expect([found.length, detection.untold]).toEqual([1000, 500])
  })
})

test('a detector that fails is switched off, and the others go on', () => {
  const broken = teller('broken', () => {
    throw new Error('no luck')
  })
  const { found, detection, see } = detect([broken, teller('sound', ({ at }) => story({ at }))])
  see(0)
  see(2000)
  expect(found.map(({ detector }) => detector)).toEqual(['sound', 'sound'])
  expect(detection.health()).toMatchObject([
    { part: 'detector broken', state: 'off', reason: 'failed at packet: no luck' },
    { part: 'detector sound', state: 'ok' },
  ])
})
