import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createPrograms } from '#identify/programs/programs.ts'
import type { Owner } from '#model/owner.ts'
import { identityOf } from './identity.ts'

const owner = (about: Partial<Owner>): Owner => ({
  pid: process.pid,
  path: process.execPath,
  name: 'node',
  commandLine: 'node',
  uid: 0,
  source: 'scan',
  ...about,
})

test('says the digest of the file that runs, and of which package it is', async () => {
  const programs = createPrograms({
    clock: () => performance.now(),
    bytesPerSecond: 1e12,
    packages: [
      {
        ownerOf: async () => ({
          state: 'owned',
          tool: 'dpkg',
          name: 'nodejs',
          version: '24',
          file: 'changed',
        }),
      },
    ],
  })
  expect(await identityOf(programs, owner({}))).toEqual({
    path: process.execPath,
    sha256: createHash('sha256').update(readFileSync(process.execPath)).digest('hex'),
    package: 'nodejs 24',
    packageFile: 'changed',
  })
})

test('says why there is no digest', async () => {
  const programs = createPrograms({ clock: () => performance.now(), packages: [] })
  const identity = await identityOf(programs, owner({ pid: 0, path: '/no/such/program' }))
  expect(identity.sha256).toBeUndefined()
  expect(identity.because).toBeTruthy()
})

test('does not keep a reader waiting for a large file', async () => {
  const programs = createPrograms({ clock: () => performance.now(), bytesPerSecond: 1_000_000, packages: [] })
  const startedAt = performance.now()
  expect((await identityOf(programs, owner({}))).because).toContain('still being read')
  expect(performance.now() - startedAt).toBeLessThan(4_000)
})
