import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { ip } from '#model/address.ts'
import { aBlock, aConnection, aDecision, anAlert, NOON } from '../../test/support/remembered.ts'
import { storeSettings } from './settings.ts'
import type { Store } from './store.ts'
import { openStore } from './thread.ts'

const folders: string[] = []
const stores: Store[] = []

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-thread-'))
  folders.push(folder)
  return folder
}

async function open(folder: string, maxWaitingFlows?: number): Promise<Store> {
  const settings = storeSettings.parse({})
  const store = await openStore({
    folder,
    settings,
    now: () => NOON,
    ...(maxWaitingFlows && { maxWaitingFlows }),
  })
  stores.push(store)
  return store
}

test('what was written before a question is part of its answer', async () => {
  const store = await open(newFolder())
  store.recordFlows([aConnection({ id: 1 }), aConnection({ id: 2 })])
  store.recordFlows([aConnection({ id: 1, ended: 'reset' })])
  void store.recordAlert(anAlert(1))
  void store.recordDecision(aDecision(1), { add: aBlock() })

  expect((await store.flows({ limit: 9, peer: '198.51.100.7' })).items).toEqual([
    aConnection({ id: 2 }),
    aConnection({ id: 1, ended: 'reset' }),
  ])
  expect((await store.alerts({ limit: 9 })).total).toBe(1)
  expect(await store.decision(1)).toEqual(aDecision(1))
  expect((await store.decisions({ limit: 9 })).items).toEqual([aDecision(1)])
  await expect(store.alerts({ limit: 9, cursor: 'none of ours' })).rejects.toThrow(/not a cursor/)
})

test('closing keeps all that waits', async () => {
  const folder = newFolder()
  const store = await open(folder)
  store.recordFlows(Array.from({ length: 9000 }, (_, at) => aConnection({ id: at + 1, ended: 'finished' })))
  await store.close()

  expect((await (await open(folder)).flows({ limit: 1 })).total).toBe(9000)
})

test('a second instance is refused in words, and the first goes on', async () => {
  const folder = newFolder()
  const first = await open(folder)

  await expect(open(folder)).rejects.toMatchObject({
    name: 'StoreError',
    hint: expect.stringContaining('Stop it'),
  })
  await first.recordDecision(aDecision(1))
  expect((await first.decisions({ limit: 1 })).total).toBe(1)
})

test('a flood beyond the limit drops the oldest flows, counts them, and drops no decision', async () => {
  const store = await open(newFolder(), 5000)
  const flood = Array.from({ length: 30_000 }, (_, at) => aConnection({ id: at + 1, ended: 'timeout' }))
  store.recordFlows(flood)
  await store.recordDecision(aDecision(1))

  expect(store.health).toMatchObject({
    state: 'degraded',
    reason: expect.stringMatching(/\d+ records were dropped/),
  })
  await expect
    .poll(async () => (await store.flows({ limit: 1 })).items[0]?.id, { timeout: 5000 })
    .toBe(30_000)
  expect((await store.decisions({ limit: 1 })).total).toBe(1)
})

/** Records flows and decisions without end; says the number of each decision once the store has answered it. */
const WRITER = `
  const [folder, thread, settings, support] = process.argv.slice(1)
  const { openStore } = await import(thread)
  const { storeSettings } = await import(settings)
  const { aBlock, aConnection, aDecision } = await import(support)
  const store = await openStore({ folder, settings: storeSettings.parse({}), now: Date.now })
  let flow = 0
  setInterval(() => {
    store.recordFlows(Array.from({ length: 20 }, () => aConnection({ id: ++flow, openedAt: Date.now(), ended: 'finished' })))
    process.stdout.write('flow ' + flow + ' ' + Date.now() + '\\n')
  }, 10)
  for (let id = 1; ; id++) {
    const target = '10.1.' + (id >> 8) + '.' + (id & 255)
    await store.recordDecision(aDecision(id, { target }), { add: aBlock({ target, decisionId: id, until: undefined }) })
    process.stdout.write('decision ' + id + '\\n')
    if (id === 20000) break
  }
`

test('kill -9 loses no decision that was answered, and at most the last second of flows', async () => {
  const folder = newFolder()
  const url = (path: string) => new URL(path, import.meta.url).href
  const parts = [url('./thread.ts'), url('./settings.ts'), url('../../test/support/remembered.ts')]
  const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, folder, ...parts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString()
  })
  await expect.poll(() => said.includes('decision 1\n'), { timeout: 10_000 }).toBe(true)
  await sleep(2300)
  const gone = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await gone
  const lines = said.slice(0, said.lastIndexOf('\n')).split('\n')
  const decided = Number(lines.findLast((line) => line.startsWith('decision '))?.split(' ')[1])
  const flows = lines.filter((line) => line.startsWith('flow ')).map((line) => line.split(' ').map(Number))
  const killedAt = flows.at(-1)?.[2] ?? 0
  const secondBefore = flows.findLast(([, , at]) => (at ?? 0) <= killedAt - 1000)?.[1] ?? Number.NaN

  const store = await open(folder)
  expect(store.health.state).toBe('ok')
  expect(store.remembered.lastDecisionId).toBeGreaterThanOrEqual(decided)
  expect(store.remembered.blocks.length).toBe(store.remembered.lastDecisionId)
  expect(store.remembered.blocks).toContainEqual(
    expect.objectContaining({ target: ip(`10.1.${decided >> 8}.${decided & 255}`), decisionId: decided }),
  )
  expect((await store.flows({ limit: 1 })).total).toBeGreaterThanOrEqual(secondBefore)
  expect(decided).toBeGreaterThan(50)
  expect(secondBefore).toBeGreaterThan(500)
}, 30_000)
