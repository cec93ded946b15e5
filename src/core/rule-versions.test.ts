import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RuleVersions } from './rule-versions.ts'

const ABOUT = { at: 5, actor: 'anna', reason: 'tests' }
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-versions-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

const files = (): string[] => readdirSync(join(folder, 'rules', 'versions')).sort()

test('versions count up over runs, each with its text', () => {
  const first = new RuleVersions(folder)
  expect(first.textOf(0)).toBe('')
  first.keep('rules: []', ABOUT)
  first.keep('rules: [allow ssh]', { ...ABOUT, decisionId: 9 })
  const next = new RuleVersions(folder)
  expect(next.all).toEqual([
    { number: 1, ...ABOUT, bytes: 9 },
    { number: 2, ...ABOUT, decisionId: 9, bytes: 18 },
  ])
  expect([next.textOf(1), next.textOf(2), next.textOf(3)]).toEqual([
    'rules: []',
    'rules: [allow ssh]',
    undefined,
  ])
  expect(next.keep('', ABOUT).number).toBe(3)
})

test('the oldest are forgotten beyond a number and a size, and the newest stays whatever its size', () => {
  const versions = new RuleVersions(folder, { most: 3, bytes: 20 })
  for (const text of ['a', 'b', 'c', 'd']) versions.keep(text, ABOUT)
  expect(versions.all.map(({ number }) => number)).toEqual([2, 3, 4])
  expect(files()).toEqual(['2.yaml', '3.yaml', '4.yaml', 'versions.json'])
  versions.keep('x'.repeat(19), ABOUT)
  expect(versions.all.map(({ number }) => number)).toEqual([4, 5])
  versions.keep('x'.repeat(100), ABOUT)
  expect(files()).toEqual(['6.yaml', 'versions.json'])
})

test('an index that is broken is made anew of the texts, and no number is given twice', () => {
  const versions = new RuleVersions(folder)
  versions.keep('one', ABOUT)
  versions.keep('two', ABOUT)
  writeFileSync(join(folder, 'rules', 'versions', 'versions.json'), '[{"number": 1')
  const again = new RuleVersions(folder)
  expect(again.all).toMatchObject([{ number: 1, bytes: 3 }, { number: 2 }])
  expect(again.keep('three', ABOUT).number).toBe(3)
  expect(again.textOf(2)).toBe('two')
})
