import { expect, test } from 'vitest'
import { aConnection } from '../../test/support/connections.ts'
import type { Connection } from '../model/flow.ts'
import type { Owner } from '../model/owner.ts'
import { createVolumes } from './volumes.ts'

const owner: Owner = { pid: 7, path: '/bin/a', name: 'a', commandLine: 'a', uid: 0, source: 'ebpf' }

/** What is made of these reports of one flow: `[bytes in, bytes out, new, late]`. */
function carried(...reports: readonly Partial<Connection>[]) {
  const volumes = createVolumes()
  return reports.map((about) =>
    volumes
      .take([aConnection(about)])
      .map(({ bytesIn, bytesOut, isNew, isLate }) => [bytesIn, bytesOut, isNew, isLate]),
  )
}

test('each report counts what came since the one before', () => {
  const at = (bytesForward: number, bytesBackward: number) => ({ owner, bytesForward, bytesBackward })
  expect(carried(at(10, 100), at(10, 100), at(15, 300))).toEqual([
    [[100, 10, true, false]],
    [[0, 0, false, false]],
    [[200, 5, false, false]],
  ])
})

test('what was carried before the program was known is its own all the same, and counts for no host twice', () => {
  const [first, second, third] = carried(
    { bytesForward: 10, bytesBackward: 100 },
    { bytesForward: 15, bytesBackward: 100, owner },
    { bytesForward: 15, bytesBackward: 100, owner },
  )
  expect(first).toEqual([[100, 10, true, false]])
  expect(second).toEqual([
    [0, 5, false, false],
    [100, 10, true, true],
  ])
  expect(third).toEqual([[0, 0, false, false]])
})

test('who knocks and is not answered carried nothing', () => {
  expect(carried({ direction: 'inbound', packetsBackward: 0 })).toEqual([[]])
  expect(carried({ direction: 'outbound', packetsBackward: 0 })).not.toEqual([[]])
})

test('what came in is in, also where a stranger opened the connection', () => {
  const [[part = []] = []] = carried({ direction: 'inbound', bytesForward: 10, bytesBackward: 100, owner })
  expect(part.slice(0, 2)).toEqual([10, 100])
})
