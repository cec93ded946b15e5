import { expect, test } from 'vitest'
import type { Ip } from '#model/address.ts'
import type { Hosts } from '#model/host.ts'
import { HostRows } from './host-rows.ts'

/** Hosts whose addresses a test may change under their numbers, as a full table does. */
function someHosts(count: number): Hosts & { readonly addresses: Int32Array } {
  const addresses = Int32Array.from({ length: count }, (_, host) => 0x0a000000 + host)
  return {
    ...{ addresses, capacity: count, count, refused: 0 },
    address: (host) => String(addresses[host]) as Ip,
    word: (host, index) => (index === 0 ? (addresses[host] as number) : 0),
    isIpv6: () => false,
    flowCount: () => 0,
    isGroup: () => false,
  }
}

test('a key has one row, which says whether it is fresh', () => {
  const rows = new HostRows(someHosts(8), 64, 1_000)
  const row = rows.claim(1, 2, 80, 0)
  expect([rows.isFresh, rows.first(row), rows.second(row), rows.what(row)]).toEqual([true, 1, 2, 80])
  expect(rows.claim(1, 2, 80, 500)).toBe(row)
  expect([rows.isFresh, rows.firstAt(row), rows.lastAt(row)]).toEqual([false, 0, 500])
  expect(rows.find(1, 2, 443)).toBe(-1)
})

test('a row is not found under a number that another host was given since', () => {
  const hosts = someHosts(8)
  const rows = new HostRows(hosts, 64, 1_000)
  const row = rows.claim(1, -1, 0, 0)
  hosts.addresses[1] = 0x0b000000
  expect([rows.find(1, -1, 0), rows.isKnown(row)]).toEqual([-1, false])
})

test('a flood of new keys pushes out neither what weighs more nor what was told', () => {
  const rows = new HostRows(someHosts(5_000), 64, 1e9)
  const heavy = rows.claim(1, -1, 0, 0)
  for (let times = 0; times < 5; times++) rows.addWeight(heavy)
  const told = rows.claim(2, -1, 0, 0)
  rows.tell(told, 0)
  for (let host = 3; host < 5_000; host++) {
    const row = rows.claim(host, -1, 0, 1)
    if (row >= 0) rows.addWeight(row)
  }
  expect([rows.find(1, -1, 0), rows.find(2, -1, 0)]).toEqual([heavy, told])
})

test('a story is told again after 2, 4, 8 … seconds', () => {
  const rows = new HostRows(someHosts(8), 64, 1e9)
  const row = rows.claim(1, -1, 0, 0)
  const told: number[] = []
  for (let now = 0; now <= 40_000; now += 500) {
    if (!rows.mayTell(row, now)) continue
    rows.tell(row, now)
    told.push(now)
  }
  expect(told).toEqual([0, 2_000, 6_000, 14_000, 30_000])
})
