import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { ProgramIdentity } from '#model/first-seen.ts'
import { aConnection } from '../../test/support/connections.ts'
import { anOwner } from '../../test/support/remembered.ts'
import { createProgramFiles } from './program-files.ts'

const file = (inode: string): ProgramIdentity => ({ device: '1', inode, bytes: 9, modifiedAt: 5 })

test('each process is looked at once, and what it runs is noted by its path', async () => {
  const noted: string[][] = []
  const looked: number[] = []
  const files = createProgramFiles(
    (path, identity) => void noted.push([path, identity]),
    async ({ pid }) => {
      looked.push(pid)
      return pid === 3 ? undefined : file(String(pid))
    },
  )
  for (const pid of [1, 1, 2, 3, 0]) files.see([aConnection({ owner: anOwner({ pid }) })])
  files.see([aConnection(), aConnection({ owner: anOwner({ pid: 4, path: 'unreadable' }) })])
  await nextTurn()
  expect(looked).toEqual([1, 2, 3])
  expect(noted).toEqual([
    ['/usr/bin/curl', 'file:1:1:9:5'],
    ['/usr/bin/curl', 'file:1:2:9:5'],
  ])
})

test('a process of this machine is known by the file that it runs; one that ended is passed by', async () => {
  const noted: string[] = []
  const files = createProgramFiles((_, identity) => void noted.push(identity))
  files.see([
    aConnection({ owner: anOwner({ pid: process.pid }) }),
    aConnection({ owner: anOwner({ pid: 2 ** 30 }) }),
  ])
  await expect.poll(() => noted).toHaveLength(1)
  expect(noted[0]).toMatch(/^file:\d+:\d+:\d{6,}:\d{10,}$/)
})

test('a flood of new processes is looked at in part', async () => {
  let looks = 0
  const files = createProgramFiles(
    () => undefined,
    async () => {
      looks++
      return undefined
    },
  )
  files.see(Array.from({ length: 500 }, (_, at) => aConnection({ owner: anOwner({ pid: at + 1 }) })))
  expect(looks).toBe(64)
})
