import { expect, test } from 'vitest'
import { ip, parseTarget, type Target } from '#model/address.ts'
import { aConnection, anOwner } from '../../test/support/remembered.ts'
import { blastRadiusOf } from './blast-radius.ts'
import { createLiveConnections } from './live-connections.ts'

const PEER = ip('198.51.100.7')
const nobody = () => undefined

function liveWith(count: number, about: Parameters<typeof aConnection>[0] = {}) {
  const live = createLiveConnections()
  live.see(
    Array.from({ length: count }, (_, at) => aConnection({ id: at + 1, target: PEER, ...about })),
    0,
  )
  return live
}

test('names the programs, names and users behind an address', () => {
  const live = liveWith(2, {
    owner: anOwner({ name: 'firefox' }),
    name: 'www.example.com',
    nameSource: 'tls',
  })
  live.see([aConnection({ id: 9, target: PEER, owner: anOwner({ name: 'curl', user: 'ben' }) })], 0)
  live.see([aConnection({ id: 10, target: ip('198.51.100.8'), owner: anOwner({ name: 'ssh' }) })], 0)
  expect(blastRadiusOf(PEER, { live, spares: nobody })).toMatchObject({
    connections: 3,
    hosts: 1,
    programs: [
      { name: 'firefox', connections: 2 },
      { name: 'curl', connections: 1 },
    ],
    names: [{ name: 'www.example.com', connections: 2 }],
    users: [
      { name: 'anna', connections: 2 },
      { name: 'ben', connections: 1 },
    ],
    sentence: 'It cuts off 3 live connections of firefox, curl with www.example.com (user anna, ben).',
  })
})

test('of a range counts every host in it', () => {
  const live = liveWith(1)
  live.see([aConnection({ id: 5, target: ip('198.51.100.200') })], 0)
  live.see([aConnection({ id: 6, target: ip('203.0.113.1') })], 0)
  const range = parseTarget('198.51.100.0/24') as Target
  expect(blastRadiusOf(range, { live, spares: nobody })).toMatchObject({ connections: 2, hosts: 2 })
})

test('says so when nothing would be cut off, and when the allow list forbids it anyway', () => {
  const spares = () => ({ target: PEER, source: 'gateway' as const, note: 'default gateway of eth0' })
  expect(blastRadiusOf(PEER, { live: liveWith(0), spares })).toMatchObject({
    connections: 0,
    sentence: 'Nothing talks to it now.',
    sparedBecause: 'default gateway of eth0',
  })
})

test('lists twenty programs at the most and says three', () => {
  const live = createLiveConnections()
  const flows = Array.from({ length: 50 }, (_, at) =>
    aConnection({ id: at + 1, target: PEER, owner: anOwner({ name: `program${at}` }) }),
  )
  live.see(flows, 0)
  const { programs, sentence } = blastRadiusOf(PEER, { live, spares: nobody })
  expect(programs).toHaveLength(20)
  expect(sentence).toContain('program0, program1, program2 and 17 more')
})
