import { describe, expect, test } from 'vitest'
import { settingShapes } from '#config/schema.ts'
import { loadDetectors } from '#detect/detection.ts'
import { loadObservers } from '#detect/observation.ts'
import { germanMeaning } from '../../web/src/text/de-meanings.ts'
import { germanSaid } from '../../web/src/text/de-said.ts'
import { createSaid } from '../../web/src/text/said-as.ts'
import { configSections } from './daemon-config.ts'
import { type DoctorFacts, examine } from './doctor.ts'

const said = createSaid(germanSaid, new Set())
const german = (sentence: string): string =>
  said(sentence)
    .map(({ text, isEnglish }) => (isEnglish ? `<${text}>` : text))
    .join('')

const fine: DoctorFacts = {
  parts: [{ part: 'capture', state: 'ok', note: 'watching eth0, wlan0' }],
  interfaces: [{ name: 'eth0', received: 10, dropped: 0 }],
  allow: [],
  blocks: [],
  reactions: { percentile: () => undefined, count: 0 },
  eventLoopDelayMs: 1.5,
  memoryMegabytes: 90,
}
const troubled: DoctorFacts = {
  ...fine,
  interfaces: [{ name: 'eth0', received: 10, dropped: 9 }],
  reactions: { percentile: () => 200, count: 3 },
  eventLoopDelayMs: 900,
}

describe('what the daemon says in German', () => {
  test.each([
    ['fine', fine],
    ['troubled', troubled],
  ])('has words for all that a doctor finds on a machine that is %s', (_, facts) => {
    const lines = examine(facts).flatMap(({ name, finding, remedy = '' }) => [name, finding, remedy])
    expect(lines.map(german).filter((line) => line.includes('<'))).toEqual([])
    for (const line of lines.filter((line) => line.length > 20)) expect(german(line)).not.toBe(line)
  })

  test.each([
    ['No block names this address.', 'Keine Sperre nennt diese Adresse.'],
    ['Blocked for 10 min', 'Gesperrt für 10 min'],
    ['Blocked for 2 days', 'Gesperrt für 2 Tage'],
    [
      'Not blocked: respond.blockFrom = high, and this is low',
      'Nicht gesperrt: respond.blockFrom = high, und dies ist low',
    ],
    ['anna blocked 203.0.113.9: unblocked by hand', 'anna sperrte 203.0.113.9: von Hand entsperrt'],
    ['This is dropped: rule 3 (mail) says deny.', 'Das wird verworfen: Regel 3 (mail) sagt verwerfen.'],
    ['undid decision 12', 'nahm Entscheidung 12 zurück'],
  ])('reads "%s"', (sentence, translated) => {
    expect(german(sentence)).toBe(translated)
  })

  test('marks what stays English, and leaves names alone', () => {
    expect(german('Recorded only: too few packets were seen')).toBe(
      'Nur vermerkt: <too few packets were seen>',
    )
    expect(german('A sentence that nobody translated')).toBe('<A sentence that nobody translated>')
  })

  test('reads hostile sentences in no time', () => {
    const hostile = ' is blocked (a: b is blocked for c of d connections of e, as f'.repeat(200)
    const before = performance.now()
    for (let turn = 0; turn < 50; turn++) german(`${turn}${hostile}`.slice(0, 390))
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  test('has words for nearly every setting, and for none that is gone', async () => {
    const names = settingShapes(await configSections()).map(({ path }) => path.join('.'))
    const missing = names.filter((name) => germanMeaning(name) === undefined)
    expect(missing.length, missing.join()).toBeLessThan(names.length / 10)
  })
})

test('every detector and observer is shown by its title, in each language', async () => {
  const { en } = await import('../../web/src/text/en.ts')
  const { de } = await import('../../web/src/text/de.ts')
  for (const { id, title } of [...(await loadDetectors()), ...(await loadObservers())]) {
    expect([id, en.detectors.titles[id]]).toEqual([id, title])
    expect(de.detectors.titles[id], id).toBeTruthy()
  }
})
