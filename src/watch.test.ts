import { describe, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { range, type Scene, scene } from '../test/support/scene.ts'
import { warmUp } from './watch.ts'

test('warming up finds its own made-up scans', () => {
  expect(warmUp).not.toThrow()
})

describe.each([
  ['203.0.113.9', '192.0.2.1'],
  ['2001:db8::9', '2001:db8:1::1'],
])('when a block of %s came to its end', (scanner, server) => {
  const [from, to] = scanner.includes(':') ? [`[${scanner}]`, `[${server}]`] : [scanner, server]
  const knock = (net: Scene, ports: readonly number[]): void => {
    for (const port of ports) net.refused({ from, to, port, sourcePort: 55_555, options: 4 })
  }
  const told = (net: Scene): number => net.findings.filter(({ detector }) => detector === 'port-scan').length

  /** A scan that went on for a while, so that it is told again only every half minute; it was 20 s ago. */
  function longScan(): Scene {
    const net = scene()
    for (const second of range(50)) {
      knock(net, range(second * 20, second * 20 - 19))
      net.pass(1_000)
    }
    return net
  }

  test('a scanner who goes on is found by the sixth port again, not half a minute later', () => {
    const net = longScan()
    const before = told(net)
    knock(net, range(2_006, 2_001))
    expect(told(net)).toBe(before)

    net.watch.released(ip(scanner))
    knock(net, range(3_005, 3_001))
    expect(told(net)).toBe(before)
    knock(net, [3_006])
    expect(told(net)).toBe(before + 1)
  })

  test('somebody who stopped is not found by what was before', () => {
    const net = longScan()
    const before = told(net)
    net.watch.released(ip(scanner))
    knock(net, [9, 9, 10])
    net.pass(60_000)
    expect(told(net)).toBe(before)
  })
})

test('other settings hold from the next packet on, and detectors that did not change keep what they know', () => {
  const net = scene()
  const scan = (ports: readonly number[]): void => {
    for (const port of ports) net.refused({ from: '203.0.113.9', to: '192.0.2.1', port })
  }
  const told = (): number => net.findings.filter(({ detector }) => detector === 'port-scan').length
  scan(range(5))
  net.watch.retune({ 'host-sweep': { refusedHosts: 30 } })
  scan([6])
  expect(told()).toBe(1)

  const strict = scene()
  strict.watch.retune({ 'port-scan': { refusedPorts: 20, silentPorts: 40 } })
  for (const port of range(19)) strict.refused({ from: '203.0.113.9', to: '192.0.2.1', port })
  expect(strict.findings.some(({ detector }) => detector === 'port-scan')).toBe(false)
  strict.refused({ from: '203.0.113.9', to: '192.0.2.1', port: 20 })
  expect(strict.findings.find(({ detector }) => detector === 'port-scan')?.because).toBe(
    'detectors.port-scan.refusedPorts = 20',
  )
  expect(() => strict.watch.retune({ 'port-scan': { refusedPorts: 1 } })).toThrow(/refusedPorts/)
})
