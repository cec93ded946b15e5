import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { RotatingFile } from './rotating-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-lines-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('lines are there after a flush, in order, readable by owner and group alone', async () => {
  const path = join(folder, 'log', 'a.log')
  const file = new RotatingFile({ path, maxBytes: 1000, kept: 2 })
  file.append('one')
  file.append('two')
  await file.flush()
  file.append('three')
  await file.flush()
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n')
  expect(statSync(path).mode & 0o777).toBe(0o640)
})

test('a full file is kept as .1, an older one as .2, and no more', async () => {
  const path = join(folder, 'a.log')
  const file = new RotatingFile({ path, maxBytes: 4, kept: 2 })
  for (const line of ['first', 'second', 'third', 'x']) {
    file.append(line)
    await file.flush()
  }
  expect(readFileSync(path, 'utf8')).toBe('x\n')
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('third\n')
  expect(readFileSync(`${path}.2`, 'utf8')).toBe('second\n')
  expect(existsSync(`${path}.3`)).toBe(false)
})

test('a file that somebody moved away is begun anew', async () => {
  const path = join(folder, 'a.log')
  const file = new RotatingFile({ path, maxBytes: 1000, kept: 2 })
  file.append('one')
  await file.flush()
  renameSync(path, `${path}.old`)
  file.append('two')
  await file.flush()
  expect(readFileSync(path, 'utf8')).toBe('two\n')
})

test('what cannot be written is counted and said, and it goes on once it can', async () => {
  const path = join(folder, 'a.log')
  mkdirSync(path)
  const file = new RotatingFile({ path, maxBytes: 1000, kept: 2 })
  file.append('lost')
  await file.flush()
  expect(file.lost).toBe(1)
  expect(file.trouble).toContain('EISDIR')
  rmSync(path, { recursive: true })
  file.append('kept')
  await file.flush()
  expect(file.trouble).toBeUndefined()
  expect(readFileSync(path, 'utf8')).toBe('kept\n')
})

test('more than a slow disk takes is counted, not gathered without end', () => {
  const file = new RotatingFile({ path: join(folder, 'a.log'), maxBytes: 1000, kept: 2 })
  const line = 'x'.repeat(1 << 20)
  for (let at = 0; at < 10; at++) file.append(line)
  expect(file.lost).toBe(6)
})
