import { expect, test } from 'vitest'
import type { Connection } from '#model/flow.ts'
import type { Owner } from '#model/owner.ts'
import { aConnection } from '../../test/support/connections.ts'
import { createProgramHashes } from './program-hashes.ts'

const HASHES = { sha256: 'a', sha1: 'b', md5: 'c' }
const by = (pid: number): Connection =>
  aConnection({ owner: { pid, startedAt: 1, path: '/bin/x', name: 'x', source: 'ebpf' } as Owner })

test('each process is asked for once, and told once', async () => {
  let asked = 0
  const told: number[] = []
  const hashes = createProgramHashes({
    describe: async () => {
      asked++
      return { hashes: HASHES }
    },
    isWanted: () => true,
    found: ({ owner }) => told.push(owner?.pid ?? 0),
  })
  hashes.see([by(1), by(1), by(2), by(0)])
  hashes.see([by(1)])
  expect(hashes.of(by(1).owner as Owner)).toBeUndefined()
  await new Promise(setImmediate)
  expect([asked, told, hashes.of(by(1).owner as Owner), hashes.ofProgram('/bin/x')]).toEqual([
    2,
    [1, 2],
    HASHES,
    HASHES,
  ])
})

test('nothing is read while nobody wants to know, and of a flood only so much at once', async () => {
  let [asked, isWanted] = [0, false]
  const hashes = createProgramHashes({
    describe: async () => {
      asked++
      return {}
    },
    isWanted: () => isWanted,
    found: () => {},
  })
  const flood = Array.from({ length: 1_000 }, (_, at) => by(at + 1))
  hashes.see(flood)
  isWanted = true
  hashes.see(flood)
  expect(asked).toBe(64)
  await new Promise(setImmediate)
  hashes.see(flood)
  expect(asked).toBe(128)
})
