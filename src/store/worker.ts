import { parentPort, workerData } from 'node:worker_threads'
import { Archive } from './archive.ts'
import { StoreError } from './failure.ts'
import type { Entry } from './journal.ts'
import type { Order, Query, Report, WorkerStart } from './messages.ts'

/**
 * The thread of the store: the only one that touches the database. Entries that arrive together are written
 * together; what can wait is done between messages.
 */
const port = parentPort
if (!port) throw new Error('worker.ts runs as a worker thread')
const start = workerData as WorkerStart
const archive = openArchive()
let toldHealth = ''
let gathered: { readonly number: number; readonly entry: Entry }[] = []
let unsaved: Extract<Order, { kind: 'save' }>[] = []
let hasChores = false

if (archive) {
  port.on('message', (order: Order) => obey(archive, order))
  tellHealth(archive)
  tell({ kind: 'opened', remembered: archive.remembered })
}

function openArchive(): Archive | undefined {
  try {
    return new Archive(start.folder, start.settings, start.now)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    tell({ kind: 'refused', message: error.message, hint: error.hint })
    return undefined
  }
}

function obey(open: Archive, order: Order): void {
  switch (order.kind) {
    case 'write':
      if (gathered.length === 0) setImmediate(() => writeGathered(open, order.now))
      gathered.push(order)
      return
    case 'save':
      unsaved.push(order)
      save(open, order.now)
      return
    case 'ask':
      // What was written before the question is part of the answer.
      writeGathered(open, order.now)
      ask(open, order.number, order.query)
      return
    case 'file':
      open.saveProgramFile(order.file, order.now)
      return
    case 'keep':
      open.saveUsual(order.usual, order.now)
      return
    case 'tick':
      open.tick(order.now)
      save(open, order.now)
      tellHealth(open)
      if (!hasChores) doChores(open)
      return
    case 'close':
      writeGathered(open, order.now)
      save(open, order.now)
      open.close()
      done(open, order.number)
      port?.close()
  }
}

function writeGathered(open: Archive, now: number): void {
  const entries = gathered
  if (entries.length === 0) return
  gathered = []
  open.write(
    entries.map(({ entry }) => entry),
    now,
  )
  for (const { number } of entries) done(open, number)
}

/** What the disk refused stays here, unanswered: so its sender sends no more. */
function save(open: Archive, now: number): void {
  const orders = unsaved
  unsaved = []
  for (const order of orders) {
    if (unsaved.length === 0 && open.saveFlows(order.connections, now)) done(open, order.number)
    else unsaved.push(order)
  }
  const sightings = open.takeNewSightings()
  if (sightings.length > 0) tell({ kind: 'firstSeen', sightings })
}

function ask(open: Archive, number: number, query: Query): void {
  try {
    done(open, number, answer(open, query))
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    tell({ kind: 'failed', number, message: error.message, hint: error.hint })
  }
}

function answer(open: Archive, query: Query): unknown {
  switch (query.kind) {
    case 'flows':
      return open.flows(query.request)
    case 'search':
      return open.search(query.request)
    case 'summaries':
      return open.summaries(query.request)
    case 'timeline':
      return open.timeline(query.request)
    case 'firstSeen':
      return open.firstSeen(query.request)
    case 'programFiles':
      return open.programFiles(query.path)
    case 'usual':
      return open.usual()
    case 'openings':
      return open.openings(query.since)
    case 'recordCounted':
      return open.saveCounted(query.minutes, query.now)
    case 'counted':
      return open.counted(query.request)
    case 'alerts':
      return open.alerts(query.request)
    case 'decisions':
      return open.decisions(query.request)
    case 'egress':
      return open.egress(query.request)
    case 'verify':
      return open.verify(query.head)
    case 'decision':
      return open.decision(query.decisionId)
  }
}

/** One step per turn of the loop: messages go first. */
function doChores(open: Archive): void {
  hasChores = open.chore()
  if (hasChores) setImmediate(() => doChores(open))
}

function done(open: Archive, number: number, result?: unknown): void {
  tellHealth(open)
  tell({ kind: 'done', number, answer: result })
}

function tellHealth(open: Archive): void {
  const { health } = open
  const text = JSON.stringify(health)
  if (text === toldHealth) return
  toldHealth = text
  tell({ kind: 'health', health })
}

function tell(report: Report): void {
  port?.postMessage(report)
}
