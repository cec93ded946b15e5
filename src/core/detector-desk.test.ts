import { expect, test } from 'vitest'
import { DetectorState } from '#contract/detectors.ts'
import { loadDetectors } from '#detect/detection.ts'
import { loadObservers } from '#detect/observation.ts'
import { createDetectorDesk } from './detector-desk.ts'

test('every detector is listed as the API says, with the mode and the source of each value', async () => {
  const detectors = [...(await loadDetectors()), ...(await loadObservers())]
  const desk = createDetectorDesk({
    detectors,
    inForce: () => ({
      respond: { profile: 'paranoid', modes: { flood: 'watch' } },
      chosenDetectors: { 'port-scan': { refusedPorts: 9 } },
    }),
  })
  const states = desk.list()
  expect(states.map(({ id }) => id)).toEqual(detectors.map(({ id }) => id))
  for (const state of states) expect(DetectorState.parse(state)).toEqual(state)
  const of = (id: string) => states.find((state) => state.id === id) ?? expect.unreachable()
  expect([of('flood').mode, of('port-scan').mode]).toEqual(['watch', 'act'])
  expect(of('port-scan').settings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'refusedPorts', value: 9, from: 'config' }),
      expect.objectContaining({ name: 'silentPorts', value: 5, from: 'profile' }),
      expect.objectContaining({ name: 'windowSeconds', value: 120, from: 'default' }),
    ]),
  )
})
