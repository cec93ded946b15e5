import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { Archive } from '#store/archive.ts'
import { type StoreSettings, storeSettings } from '#store/settings.ts'
import { NOON } from './remembered.ts'

const folders: string[] = []
const opened: Archive[] = []

afterEach(() => {
  for (const archive of opened.splice(0)) archive.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
  folders.push(folder)
  return folder
}

/** Closed when the test is over. */
export function open(folder = newFolder(), settings: Partial<StoreSettings> = {}, now = NOON): Archive {
  const archive = new Archive(folder, storeSettings.parse(settings), now)
  opened.push(archive)
  return archive
}

export function close(archive: Archive): void {
  opened.splice(opened.indexOf(archive), 1)
  archive.close()
}

/** Answers how many steps it took. */
export function finishChores(archive: Archive): number {
  let steps = 1
  while (archive.chore()) steps++
  return steps
}
