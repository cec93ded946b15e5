import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { groupsBelow, isOfContainerItself, placeOfGroup } from './program-classes-groups.ts'
import { installedPrograms } from './program-classes-installed.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gh-installed-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

function program(name: string, mode = 0o755): string {
  const path = join(folder, name)
  writeFileSync(path, '')
  chmodSync(path, mode)
  return path
}

test('programs in the folder of a pattern and of packages are met, texts and stopped searches are not', async () => {
  const [tool, brought] = [program('tool'), program('brought')]
  const text = program('text', 0o644)
  mkdirSync(join(folder, 'inner'))
  const met: string[] = []
  const done = Promise.withResolvers<void>()
  installedPrograms({ patterns: [`${folder}/t*`, '*/x'], brought: [brought, text, '/absent'] }, (path) => {
    if (path.startsWith(folder)) met.push(path)
    if (path === brought) done.resolve()
  })
  await done.promise
  expect(met.sort()).toEqual([brought, tool])
  const late: string[] = []
  installedPrograms({ patterns: [], brought: [tool] }, (path) => late.push(path)).stop()
  await new Promise(setImmediate)
  expect(late).toEqual([])
})

test('control groups are found with all below them; a unit is every unit above', () => {
  mkdirSync(join(folder, 'system.slice', 'ssh.service'), { recursive: true })
  mkdirSync(join(folder, 'other'))
  expect(groupsBelow(folder).sort()).toEqual(['/', '/other', '/system.slice', '/system.slice/ssh.service'])
  expect(placeOfGroup('/system.slice/ssh.service', () => [])).toEqual({
    units: ['system.slice', 'ssh.service'],
    containers: [],
  })
})

test('what is within a container is not the container itself', () => {
  const containersOf = (path: string): string[] => (path.includes('docker-1') ? ['1'] : [])
  expect(isOfContainerItself('/docker-1.scope', containersOf)).toBe(true)
  expect(isOfContainerItself('/docker-1.scope/init.scope', containersOf)).toBe(false)
  expect(isOfContainerItself('/init.scope', containersOf)).toBe(false)
})
