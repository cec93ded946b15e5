import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeAtomically } from './atomic-file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-atomic-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a new file is for its owner alone', () => {
  writeAtomically(join(folder, 'new'), 'grüße')

  expect(readFileSync(join(folder, 'new'), 'utf8')).toBe('grüße')
  expect(statSync(join(folder, 'new')).mode & 0o777).toBe(0o600)
})

test('an old file keeps its mode, and a link stays a link', () => {
  writeFileSync(join(folder, 'real'), 'old')
  chmodSync(join(folder, 'real'), 0o640)
  symlinkSync('real', join(folder, 'link'))
  writeAtomically(join(folder, 'link'), 'new')

  expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new')
  expect(statSync(join(folder, 'real')).mode & 0o777).toBe(0o640)
  expect(readdirSync(folder).sort()).toEqual(['link', 'real'])
})

test('what cannot be replaced stays, and leaves nothing behind', () => {
  expect(() => writeAtomically(folder, 'text')).toThrow()
  expect(() => writeAtomically(join(folder, 'none', 'file'), 'text')).toThrow()
  expect(readdirSync(folder)).toEqual([])
})
