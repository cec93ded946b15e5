import { expect, test } from 'vitest'
import { Decision } from '../../../src/contract/schemas.ts'
import { TIMELINE_LANES } from '../../../src/contract/timeline.ts'
import { de } from './de.ts'
import { en } from './en.ts'

test.each([
  ['English', en],
  ['German', de],
])(
  'every kind of decision and every lane of the timeline has its words in %s',
  (_, { decisions, timeline }) => {
    for (const kind of Decision.shape.kind.options) {
      expect(decisions.kinds[kind], kind).toBeTruthy()
      expect(decisions.kindWords[kind], kind).toBeTruthy()
    }
    for (const lane of TIMELINE_LANES)
      expect([timeline.lanes[lane], timeline.laneWords[lane]]).not.toContain('')
  },
)
