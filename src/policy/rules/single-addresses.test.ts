import { expect, test } from 'vitest'
import { parted4, parted6 } from './single-addresses.ts'

test('short ranges become their addresses, long ones stay ranges', () => {
  const many = Array.from({ length: 1_022 }, (_, at) => [at * 10, at * 10]).flat()
  const parts = parted4(Uint32Array.from([...many, 20_000, 20_003, 30_000, 30_004]))
  expect(parts?.singles).toHaveLength(2 * 1_026)
  expect([...(parts?.singles.slice(-8) ?? [])]).toEqual([
    20_000, 20_000, 20_001, 20_001, 20_002, 20_002, 20_003, 20_003,
  ])
  expect([...(parts?.ranges ?? [])]).toEqual([30_000, 30_004])
})

test('a short list is not worth two sets', () => {
  expect(parted4(Uint32Array.from([1, 1, 3, 3]))).toBeUndefined()
  expect(parted6([1n, 1n])).toBeUndefined()
})

test('addresses of IPv6 alike, up to the very last', () => {
  const last = (1n << 128n) - 1n
  const many = Array.from({ length: 1_024 }, (_, at) => [BigInt(at) * 10n, BigInt(at) * 10n]).flat()
  const parts = parted6([...many, last - 1n, last])
  expect(parts?.singles.slice(-4)).toEqual([last - 1n, last - 1n, last, last])
  expect(parts?.ranges).toEqual([])
})
