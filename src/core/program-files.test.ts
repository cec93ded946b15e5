import { expect, test } from 'vitest'
import type { FileIdentity, ProgramChange, ProgramFile, SeenFile } from '#model/first-seen.ts'
import { aConnection } from '../../test/support/connections.ts'
import { anOwner } from '../../test/support/remembered.ts'
import { binariesOf, createProgramFiles } from './program-files.ts'

const file = (inode: string): FileIdentity => ({ device: '1', inode, bytes: 9, modifiedAt: 5 })
const kept = (identity: string, firstAt: number, sha256?: string): ProgramFile => ({
  ...{ path: '/usr/bin/curl', identity, firstAt, lastAt: firstAt + 1 },
  ...(sha256 !== undefined && { sha256 }),
})
const OWNED = { state: 'owned', tool: 'dpkg', name: 'curl', version: '8.5', file: 'unchanged' } as const
const NOBODYS = { state: 'none', because: 'no package has it' } as const

function aMachine(before: readonly ProgramFile[] = [], sha256s: Readonly<Record<number, string>> = {}) {
  const noted: SeenFile[] = []
  const changes: ProgramChange[] = []
  const read: number[] = []
  const files = createProgramFiles({
    record: (seen) => void noted.push(seen),
    filesOf: async () => before,
    async describe({ pid }) {
      read.push(pid)
      const sha256 = sha256s[pid]
      return sha256 === undefined ? { package: NOBODYS } : { sha256, package: OWNED }
    },
    changed: (change) => void changes.push(change),
    identify: async ({ pid }) => (pid === 3 ? undefined : file(String(pid % 10))),
  })
  return { files, noted, changes, read }
}
const run = (pid: number) => [aConnection({ owner: anOwner({ pid }) })]
const settle = () => new Promise((resolve) => setTimeout(resolve, 5))

test('each file is looked at once, and what it holds is noted by its path', async () => {
  const { files, noted, read, changes } = aMachine([], { 1: 'aa' })
  for (const pid of [1, 1, 11, 3, 0]) files.see(run(pid))
  files.see([aConnection(), aConnection({ owner: anOwner({ pid: 4, path: 'unreadable' }) })])
  await expect.poll(() => noted).toHaveLength(2)
  await settle()
  expect(noted).toEqual([
    { path: '/usr/bin/curl', identity: 'file:1:1:9:5' },
    { path: '/usr/bin/curl', identity: 'file:1:1:9:5', sha256: 'aa' },
  ])
  expect([read, changes]).toEqual([[1], []])
})

test('another binary at the same path is told once, with what it was and its package', async () => {
  const { files, changes } = aMachine([kept('file:1:9:9:5', 100, 'aa')], { 1: 'bb' })
  for (const pid of [1, 11, 1]) files.see(run(pid))
  await expect.poll(() => changes).toHaveLength(1)
  await settle()
  expect(changes).toEqual([
    {
      ...{ program: '/usr/bin/curl', address: '203.0.113.9', sha256: 'bb' },
      before: { sha256: 'aa', lastAt: 101 },
      package: { name: 'curl 8.5', file: 'unchanged' },
    },
  ])
})

test.each([
  ['a file that is known already', [kept('file:1:1:9:5', 100, 'aa')], { 1: 'aa' }, []],
  ['a known file that was not read before', [kept('file:1:1:9:5', 100)], { 1: 'aa' }, [1]],
  ['the same content put there anew', [kept('file:1:7:9:5', 100, 'aa')], { 1: 'aa' }, [1]],
  ['a binary that went back to an older one', [kept('f', 200, 'bb'), kept('g', 100, 'aa')], { 1: 'aa' }, [1]],
])('%s is no change', async (_, before, sha256s, wasRead) => {
  const { files, noted, changes, read } = aMachine(before, sha256s)
  files.see(run(1))
  await expect.poll(() => noted.length).toBeGreaterThan(0)
  await settle()
  expect([changes, read]).toEqual([[], wasRead])
})

test('a changed file that cannot be read is told too', async () => {
  const { files, changes } = aMachine([kept('file:1:9:9:5', 100, 'aa')])
  files.see(run(1))
  await expect.poll(() => changes).toHaveLength(1)
  expect(changes[0]).toEqual({
    ...{ program: '/usr/bin/curl', address: '203.0.113.9', before: { sha256: 'aa', lastAt: 101 } },
  })
})

test('a process of this machine is known by the file that it runs; one that ended is passed by', async () => {
  const noted: string[] = []
  const files = createProgramFiles({
    record: ({ identity }) => void noted.push(identity),
    filesOf: async () => [],
    describe: async () => ({ package: NOBODYS }),
    changed: () => undefined,
  })
  files.see([...run(process.pid), ...run(2 ** 30)])
  await expect.poll(() => noted).toHaveLength(1)
  expect(noted[0]).toMatch(/^file:\d+:\d+:\d{6,}:\d{10,}$/)
})

test('a flood of new processes is looked at in part', () => {
  let looks = 0
  const files = createProgramFiles({
    record: () => undefined,
    filesOf: async () => [],
    describe: async () => ({ package: NOBODYS }),
    changed: () => undefined,
    async identify() {
      looks++
      return undefined
    },
  })
  files.see(Array.from({ length: 500 }, (_, at) => aConnection({ owner: anOwner({ pid: at + 1 }) })))
  expect(looks).toBe(64)
})

test('files that hold the same are one binary', () => {
  const files = [
    kept('file:c', 300, 'bb'),
    kept('file:b', 200, 'aa'),
    kept('file:a', 100, 'aa'),
    kept('file:0', 50),
  ]
  expect(binariesOf(files)).toMatchObject([
    { identity: 'sha256:bb', firstAt: 300, lastAt: 301 },
    { identity: 'sha256:aa', firstAt: 100, lastAt: 201 },
    { identity: 'file:0', firstAt: 50, lastAt: 51 },
  ])
})
