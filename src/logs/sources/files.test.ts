import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FileFollower, followFiles } from './files.ts'

let folder: string
let file: string
let lines: string[]
let follower: FileFollower | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-files-'))
  file = join(folder, 'a.log')
  lines = []
})

afterEach(async () => {
  await follower?.stop()
  rmSync(folder, { recursive: true })
})

const follow = (): void => {
  follower = followFiles([file], (_, line) => lines.push(line))
}
const opened = () => vi.waitFor(() => expect(follower?.files[0]?.isOpen).toBe(true), 5_000)
const read = (...expected: string[]) => vi.waitFor(() => expect(lines).toEqual(expected), 5_000)

test('lines are read as they come, whole, and not those that are there already', async () => {
  writeFileSync(file, 'old\n')
  follow()
  await opened()
  appendFileSync(file, 'one\ntw')
  await read('one')
  appendFileSync(file, 'o\n')
  await read('one', 'two')
})

test('a file that appears later is read from its begin', async () => {
  follow()
  await vi.waitFor(() => expect(follower?.files[0]).toMatchObject({ isOpen: false, trouble: undefined }))
  await new Promise((resolve) => setTimeout(resolve, 300))
  writeFileSync(file, 'first\n')
  await read('first')
})

test('a file that is moved away is read to its end, then the new one', async () => {
  writeFileSync(file, '')
  follow()
  await opened()
  appendFileSync(file, 'one\n')
  renameSync(file, `${file}.1`)
  appendFileSync(`${file}.1`, 'two\n')
  writeFileSync(file, 'three\n')
  await read('one', 'two', 'three')
})

test('a file that is cut short is read from its begin again', async () => {
  writeFileSync(file, '')
  follow()
  await opened()
  appendFileSync(file, 'a long first line\n')
  await read('a long first line')
  truncateSync(file, 0)
  appendFileSync(file, 'new\n')
  await read('a long first line', 'new')
})

test('a line without end costs no memory, and what is no file is said', async () => {
  writeFileSync(file, '')
  follow()
  await opened()
  appendFileSync(file, 'x'.repeat(3_000_000))
  appendFileSync(file, '\nshort\n')
  await read('short')
  await follower?.stop()
  follower = followFiles([folder], () => {})
  await vi.waitFor(() => expect(follower?.files[0]?.trouble).toBe('it is no plain file'), 5_000)
})
