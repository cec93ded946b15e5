import { expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { aConnection } from '../../test/support/connections.ts'
import { talkersWith } from './talkers.ts'

const PLACE = { address: ip('192.0.2.1'), port: 53 }
const asked = { protocol: 17, target: PLACE.address, targetPort: 53, packetsForward: 2, packetsBackward: 1 }
const client = { source: ip('198.51.100.5'), sourcePort: 40_000 }

test.each([
  ['who asked, was answered and went on', { ...asked, ...client }, ['198.51.100.5']],
  [
    'whom it asked',
    {
      ...{ protocol: 17, source: PLACE.address, sourcePort: 53, target: ip('203.0.113.1'), targetPort: 53 },
      ...{ packetsForward: 1, packetsBackward: 1 },
    },
    ['203.0.113.1'],
  ],
  ['not who was never answered', { ...asked, ...client, packetsBackward: 0 }, []],
  [
    'not who was answered and never came back, as the forged are',
    { ...asked, ...client, packetsForward: 1 },
    [],
  ],
  ['not who talks with another port', { ...asked, ...client, targetPort: 54 }, []],
  ['not by TCP', { ...asked, ...client, protocol: 6 }, []],
])('%s', (_who, about, talkers) => {
  expect(talkersWith(PLACE, [aConnection(about)]).map(({ address }) => address)).toEqual(talkers)
})
