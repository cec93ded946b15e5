import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { storeSettings } from '#store/settings.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { aBlock, aConnection, aDecision, anAlert } from './remembered.ts'

/**
 * The store on a small disk of its own, run as a child in a private mount namespace: `node full-disk.ts SCENARIO
 * MOUNTED_FOLDER`. Prints what it saw as JSON; the test says what it should be.
 */
const [scenario = '', disk = ''] = process.argv.slice(2)
const folder = join(disk, 'state')

const open = (): Promise<Store> => openStore({ folder, settings: storeSettings.parse({}), now: Date.now })

/** Takes all room that is left, to the last block. */
function fill(): void {
  for (const size of [1_048_576, 65_536, 4096, 4096]) {
    try {
      for (let at = 0; ; at++)
        writeFileSync(join(disk, `filler-${size}-${at}`), Buffer.alloc(size), { flag: 'w' })
    } catch {
      // Full at this size: the smaller pieces follow.
    }
  }
}

function empty(): void {
  for (const size of [1_048_576, 65_536, 4096]) {
    for (let at = 0; existsSync(join(disk, `filler-${size}-${at}`)); at++)
      rmSync(join(disk, `filler-${size}-${at}`))
  }
}

async function untilHealthy(store: Store): Promise<void> {
  for (let tries = 0; tries < 150 && store.health.state !== 'ok'; tries++) await sleep(100)
}

async function record(store: Store, from: number, count: number): Promise<void> {
  for (let id = from; id < from + count; id++) {
    const { until: _, ...endless } = aBlock({ decisionId: id })
    await store.recordDecision(aDecision(id, { reason: 'x'.repeat(2000) }), { add: endless })
    await store.recordAlert(anAlert(id))
    store.recordFlows([aConnection({ id, openedAt: Date.now(), ended: 'finished' })])
  }
}

const counts = async (store: Store) => ({
  decisions: (await store.decisions({ limit: 1 })).total,
  alerts: (await store.alerts({ limit: 1 })).total,
  flows: (await store.flows({ limit: 1 })).total,
})

const SCENARIOS: Readonly<Record<string, () => Promise<unknown>>> = {
  async 'fills while it runs'() {
    const store = await open()
    await record(store, 1, 10)
    await store.flows({ limit: 1 })
    fill()
    await record(store, 11, 500)
    const full = store.health
    const undoable = (await store.decision(510))?.id
    empty()
    await untilHealthy(store)
    const healed = store.health
    await store.close()
    const again = await open()
    const answer = { full, undoable, healed, ...(await counts(again)), last: again.remembered.lastDecisionId }
    await again.close()
    return answer
  },

  async 'is full when it opens a file'() {
    const before = await open()
    await record(before, 1, 10)
    await before.close()
    fill()
    const store = await open()
    const remembered = { blocks: store.remembered.blocks.length, last: store.remembered.lastDecisionId }
    const full = store.health
    await record(store, 11, 5)
    empty()
    await untilHealthy(store)
    await store.close()
    const again = await open()
    const answer = { full, remembered, healed: again.health, ...(await counts(again)) }
    await again.close()
    return answer
  },

  async 'is full when there is no file yet'() {
    fill()
    const store = await open()
    const full = store.health
    await record(store, 1, 20)
    empty()
    await untilHealthy(store)
    const healed = store.health
    await store.close()
    const again = await open()
    const answer = { full, healed, ...(await counts(again)) }
    await again.close()
    return answer
  },

  async 'may not be written'() {
    const store = await open()
    await record(store, 1, 20)
    const answer = { health: store.health, ...(await counts(store)), file: existsSync(folder) }
    await store.close()
    return answer
  },
}

process.stdout.write(JSON.stringify(await SCENARIOS[scenario]?.()))
