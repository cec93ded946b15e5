import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect } from 'vitest'
import { testWith } from '../support/needs.ts'

const SCENARIOS = fileURLToPath(new URL('../support/full-disk.ts', import.meta.url))
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmdirSync(folder)
})

/** Runs one scenario on a disk of 4 MB that only it can see: the mount goes with its namespace. */
function onSmallDisk(scenario: string, options = 'size=4m'): unknown {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-disk-'))
  folders.push(folder)
  const script = `mount -t tmpfs -o "$1" none "$2" && exec "$3" "$4" "$5" "$2"`
  const said = execFileSync(
    'unshare',
    ['--mount', 'sh', '-c', script, 'sh', options, folder, process.execPath, SCENARIOS, scenario],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  )
  return JSON.parse(said)
}

const full = expect.objectContaining({
  state: 'degraded',
  reason: expect.stringContaining('No room left on the disk'),
  remedy: expect.stringContaining('Free space there'),
})
const healthy = expect.objectContaining({ state: 'ok' })

testWith('root')(
  'a disk that fills up costs no decision and no alert: they are written when there is room',
  () => {
    expect(onSmallDisk('fills while it runs')).toEqual({
      full,
      undoable: 510,
      healed: healthy,
      decisions: 510,
      alerts: 510,
      flows: 510,
      last: 510,
    })
  },
)

testWith('root')('a disk that is full at the start still tells which blocks were in force', () => {
  expect(onSmallDisk('is full when it opens a file')).toEqual({
    full,
    remembered: { blocks: 1, last: 10 },
    healed: healthy,
    decisions: 15,
    alerts: 15,
    flows: 15,
  })
})

testWith('root')('a full disk without a file means memory, and a file as soon as there is room', () => {
  expect(onSmallDisk('is full when there is no file yet')).toEqual({
    full,
    healed: healthy,
    decisions: 20,
    alerts: 20,
    flows: 20,
  })
})

testWith('root')('a disk that may only be read means memory alone, and says what to do', () => {
  expect(onSmallDisk('may not be written', 'size=4m,ro')).toEqual({
    health: expect.objectContaining({
      state: 'degraded',
      reason: expect.stringContaining('memory alone is used'),
      remedy: expect.stringContaining('then restart'),
    }),
    decisions: 20,
    alerts: 20,
    flows: 20,
    file: false,
  })
})
