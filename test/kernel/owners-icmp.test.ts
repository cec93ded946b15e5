import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { KERNEL } from '#model/kernel-traffic.ts'
import type { SocketKey } from '#model/owner.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { OwnersProbe } from '../support/owners-probe.ts'

const pingTest = testWith('root', 'ip', 'ping')
const [ICMP, ICMPV6, IGMP] = [1, 58, 2]

let wire: Wire
let probe: OwnersProbe

beforeAll(() => {
  wire = layWire()
})

afterEach(() => probe.end())

afterAll(() => wire.remove())

/** An echo request and its answer, as the capture counts them. */
const echoes = (version: 4 | 6): SocketKey => ({
  protocol: version === 4 ? ICMP : ICMPV6,
  localAddress: version === 4 ? wire.client.ip4 : wire.client.ip6,
  localPort: version === 4 ? 8 : 128,
  peerAddress: version === 4 ? wire.server.ip4 : wire.server.ip6,
  peerPort: version === 4 ? 0 : 129,
})

const ping = (version: 4 | 6): string[] => [
  'ping',
  `-${version}`,
  '-c',
  '1',
  '-W',
  '5',
  echoes(version).peerAddress,
]

describe('who sent an echo request', () => {
  pingTest.each([4, 6] as const)('over IPv%i is known when ping is over', async (version) => {
    probe = new OwnersProbe(wire.client.namespace, 'ebpf,scan')
    await probe.health(/eBPF/)
    await probe.bytes()
    const [program = '', ...args] = ping(version)
    wire.client.run(program, ...args)
    expect(await probe.owner(echoes(version))).toMatchObject({
      name: 'ping',
      commandLine: ping(version).join(' '),
      source: 'ebpf',
    })
    const another = { ...echoes(version), peerAddress: version === 4 ? '192.0.2.9' : '2001:db8::9' }
    expect(await probe.owner(another)).toEqual(KERNEL)
  })

  pingTest('is known by its raw socket while it lives, without eBPF', async () => {
    probe = new OwnersProbe(wire.client.namespace, 'scan')
    const child = wire.client.start('ping', '-i', '0.2', wire.server.ip4)
    try {
      await expect
        .poll(() => probe.owner(echoes(4)), { timeout: 20_000 })
        .toMatchObject({ name: 'ping', pid: child.pid, source: 'scan' })
    } finally {
      child.kill('SIGKILL')
    }
  })
})

pingTest('what no program has a socket for is of the kernel', async () => {
  probe = new OwnersProbe(wire.client.namespace, 'scan')
  expect(await probe.owner(echoes(6))).toEqual(KERNEL)
  expect(await probe.owner({ ...echoes(4), protocol: IGMP })).toEqual(KERNEL)
  expect(await probe.owner({ ...echoes(4), protocol: 89 })).toBeUndefined()
})
