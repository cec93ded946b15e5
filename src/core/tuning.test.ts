import { expect, test } from 'vitest'
import { loadDetectors } from '#detect/detection.ts'
import { measuredSettings } from '#detect/measures.ts'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import { tuningOf } from './tuning.ts'

const NOW = 1_000_000_000
let lastId = 0
const alert = (count: number, about: Partial<Alert> = {}): Alert => ({
  id: ++lastId,
  detector: 'port-scan',
  kind: 'syn',
  severity: 'high',
  confidence: 0.9,
  at: NOW,
  lastSeenAt: NOW,
  times: 1,
  subject: ip('203.0.113.9'),
  summary: `tried ${count} ports`,
  key: 'a',
  technique: 'T1046',
  because: 'detectors.port-scan.refusedPorts = 6',
  spoofable: false,
  evidence: { firstAt: NOW, lastAt: NOW, count, ratePerSecond: 1, samples: [] },
  response: 'Told: respond.blockFrom = never',
  archived: false,
  ...about,
})

const storeOf = (alerts: readonly Alert[], size = 2) => ({
  async alerts({ cursor = '0' }: { readonly cursor?: string }) {
    const from = Number(cursor)
    const next = from + size < alerts.length ? { next: String(from + size) } : {}
    return { items: alerts.slice(from, from + size), ...next }
  },
})
const setting = 'detectors.port-scan.refusedPorts'
const raised = { setting, from: 6, to: 20, since: NOW - 1_000 }

test('a higher limit would have kept small alerts back, and let large ones speak', async () => {
  const found = await tuningOf(raised, storeOf([alert(8), alert(40), alert(20)]))
  expect(found).toMatchObject({ alerts: 3, gone: 1, stays: 2, cutShort: 0, unknown: 0, isLooser: false })
  expect(found.examples[0]).toMatchObject({ outcome: 'gone', measured: 8, summary: 'tried 8 ports' })
})

test('who was turned away at once might have gone further: nobody knows', async () => {
  const found = await tuningOf(raised, storeOf([alert(6, { response: 'Blocked for 10 min: …' })]))
  expect(found).toMatchObject({ gone: 0, cutShort: 1 })
})

test('a lower limit takes no alert away, and says that there might be more', async () => {
  const found = await tuningOf({ ...raised, to: 3 }, storeOf([alert(6), alert(8)]))
  expect(found).toMatchObject({ stays: 2, gone: 0, isLooser: true })
})

test('alerts that another limit set off stay; what leaves no trace in the evidence is not known', async () => {
  const silent = alert(16, { because: 'detectors.port-scan.silentPorts = 15' })
  expect(await tuningOf(raised, storeOf([silent]))).toMatchObject({ stays: 1 })
  const window = { ...raised, setting: 'detectors.port-scan.windowSeconds', from: 120, to: 10 }
  expect(await tuningOf(window, storeOf([silent, alert(9)]))).toMatchObject({ unknown: 2 })
})

test('other detectors and older alerts do not count, however many pages there are', async () => {
  const others = [alert(9, { detector: 'flood' }), alert(9, { at: NOW - 5_000 }), alert(9)]
  expect(await tuningOf(raised, storeOf(others, 1))).toMatchObject({ alerts: 0, isPartial: false })
  expect(await tuningOf(raised, storeOf([alert(9), alert(9), alert(9)], 1))).toMatchObject({
    alerts: 3,
    gone: 3,
  })
})

test('every limit that is measured is a setting of its detector', async () => {
  const detectors = await loadDetectors()
  for (const [id, name] of measuredSettings()) {
    const { settings } = detectors.find((one) => one.id === id) ?? expect.unreachable(id)
    expect(Object.keys(settings.parse({}) as object), id).toContain(name)
  }
})
