import { expect, test } from 'vitest'
import { loadDetectors } from '#detect/detection.ts'
import { loadObservers } from '#detect/observation.ts'
import { runSelfTests, testDetector, testObserver } from './self-test.ts'

const outcomes = await runSelfTests()

test('every detector and observer has a self-test', async () => {
  const ids = [...(await loadDetectors()), ...(await loadObservers())].map(({ id }) => id)
  expect(outcomes.map(({ id }) => id)).toEqual(ids)
})

test.each(outcomes)('$id finds what it must, and does not speak of what looks alike', (outcome) => {
  expect(outcome).toMatchObject({ isPassed: true, fires: { isPassed: true }, staysSilent: { findings: 0 } })
  expect(outcome.fires.said).not.toBe('')
})

test('a detector that finds nothing fails, and so does one that blames the innocent', async () => {
  const detector = (await loadDetectors())[0] ?? expect.unreachable()
  const { fires, staysSilent } = detector.selfTest
  const deaf = testDetector({ ...detector, selfTest: { fires: staysSilent, staysSilent } })
  expect(deaf).toMatchObject({ isPassed: false, fires: { isPassed: false } })
  const nervous = testDetector({ ...detector, selfTest: { fires, staysSilent: fires } })
  expect(nervous).toMatchObject({ isPassed: false, staysSilent: { isPassed: false } })
})

test('the same of an observer', async () => {
  const observer = (await loadObservers())[0] ?? expect.unreachable()
  const { fires, staysSilent } = observer.selfTest
  expect(testObserver({ ...observer, selfTest: { fires: staysSilent, staysSilent: fires } })).toMatchObject({
    fires: { isPassed: false },
    staysSilent: { isPassed: false },
  })
})

test('one can be asked for; of an unknown one there is nothing', async () => {
  expect((await runSelfTests('port-scan')).map(({ id }) => id)).toEqual(['port-scan'])
  expect(await runSelfTests('no-such')).toEqual([])
})
