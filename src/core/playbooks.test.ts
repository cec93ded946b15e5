import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDryRunEnforcer } from '#enforce/dry-run.ts'
import { runCommand } from '#kernel/run.ts'
import { ip } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Decision } from '#model/decision.ts'
import { playbooksSettingsFor } from '#policy/playbooks/settings.ts'
import { createResponder, type Responder } from '#policy/respond/respond.ts'
import { respondSettings } from '#policy/respond/settings.ts'
import { storeSettings } from '#store/settings.ts'
import type { Store } from '#store/store.ts'
import { openStore } from '#store/thread.ts'
import { aFinding } from '../../test/support/findings.ts'
import { createAllowBook } from './allow-book.ts'
import { Gate } from './gate.ts'
import { createPortCloser } from './playbook-ports.ts'
import { createPlaybookPlayer } from './playbooks.ts'
import { createRecordings, type Recordings } from './recordings.ts'

const ATTACKER = ip('203.0.113.9')
let folder: string
let store: Store
let decisions: Decision[]
let said: string[]
let closed: string[]
let closedPorts: number[]
let kept: string[]
let gate: Gate
let recordings: Recordings
let judgement: Responder

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-playbooks-'))
  store = await openStore({ folder, settings: storeSettings.parse({}), now: () => 1_000 })
  decisions = []
  said = []
  closed = []
  closedPorts = []
  kept = []
  const printer = { target: ip('192.0.2.7'), source: 'config' as const, note: 'the printer' }
  gate = new Gate({
    enforcer: createDryRunEnforcer({ reason: 'a trial', remedy: 'none needed' }),
    store,
    spares: createAllowBook([printer], []).spares,
    now: () => 1_000,
    changed: (decision) => decisions.push(decision),
  })
  recordings = createRecordings({
    ...{ folder: join(folder, 'captures'), now: () => 1_000, say: (sentence) => said.push(sentence) },
    order: ({ address, packets }) => kept.push(`${packets} of ${address}`),
  })
  judgement = createResponder({
    settings: respondSettings.parse({ blocksPerMinute: 2 }),
    allowList: createAllowBook([], []),
  })
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const alertOf = (about: Parameters<typeof aFinding>[0] = {}): Alert => ({
  ...aFinding(about),
  ...{ id: 4, times: 1, lastSeenAt: 1_000, response: '', archived: false },
})

function playerOf(steps: readonly object[], about: object = {}, commands: object = {}) {
  const books = [{ name: 'bell', when: {}, steps, ...about }]
  return createPlaybookPlayer({
    settings: playbooksSettingsFor([]).parse({ books, commands }),
    gate,
    grants: judgement.grants,
    closeSockets: (target) => closed.push(target),
    run: ({ path, args }) => runCommand(path, args, { withinMs: 5_000, maxBytes: 1_000 }),
    say: (sentence) => said.push(sentence),
    closePorts: createPortCloser({
      shield: { closePort: (port) => closedPorts.push(port) > 0 },
      pagePort: () => 8090,
      connections: () => [],
      sshPorts: () => new Set([2222]),
      standpoint: () => ({ isOwn: (address) => address === alertOf().victim }),
      now: () => 1_000,
    }),
    capture: recordings.begin,
  })
}

describe('a port is closed', () => {
  const closing = [{ closePort: { seconds: 600 } }]
  const about = (evidence: object, rest: object = {}): Alert => {
    const alert = alertOf()
    return { ...alert, ...rest, evidence: { ...alert.evidence, ...evidence } }
  }

  test('as the alert names it, whoever is to blame', () => {
    const said = playerOf(closing).play(about({ ports: [8080] }, { blame: 'nobody' }))
    expect(said).toEqual(['playbook bell: closed port 8080 for 10 min'])
    expect(closedPorts).toEqual([8080])
  })

  test.each([
    ['the port of the page', { ports: [8090] }, {}, "not done, port 8090 is the page's"],
    ['the port of SSH', { ports: [22] }, {}, "not done, port 22 is SSH's"],
    ['a port of SSH that nobody is logged in by', { ports: [2222] }, {}, "not done, port 2222 is SSH's"],
    [
      'more than a few',
      { ports: [1, 2, 3, 4, 5] },
      {},
      'not done, the alert is about 5 ports: close the port',
    ],
    ['no port', { ports: [] }, {}, 'not done, the alert is about 0 ports: close the port'],
    [
      "another machine's",
      { ports: [8080] },
      { victim: ip('192.0.2.99') },
      'not done, it is no port of this machine',
    ],
  ])('but not %s', (_what, evidence, rest, words) => {
    expect(playerOf(closing).play(about(evidence, rest))).toEqual([`playbook bell: ${words}`])
    expect(closedPorts).toEqual([])
  })

  test('not in a dry run', () => {
    expect(playerOf(closing, { dryRun: true }).play(about({ ports: [8080] }))).toEqual([
      'playbook bell: would close the port for 10 min',
    ])
    expect(closedPorts).toEqual([])
  })
})

test('keeps the next packets of the source', () => {
  expect(playerOf([{ capture: { packets: 200 } }]).play(alertOf())).toEqual([
    `playbook bell: keeps the next 200 packets of ${ATTACKER}`,
  ])
  expect(kept).toEqual([`200 of ${ATTACKER}`])
})

test('does its steps in their order, and keeps in the log that it did', () => {
  const steps = [
    { notify: 'look at the mail server' },
    { block: { seconds: 7_200 } },
    { closeConnections: true },
  ]
  expect(playerOf(steps).play(alertOf())).toEqual([
    'playbook bell: notify, blocked for 2 h, closed 1 connections',
  ])
  expect(said[0]).toContain('Playbook bell: look at the mail server (alert 4: ')
  expect(gate.blockOf(ATTACKER)).toMatchObject({ until: 7_201_000, alertId: 4 })
  expect(decisions.at(-1)).toMatchObject({ kind: 'playbook', actor: 'playbook bell', target: ATTACKER })
})

test('a dry run says what it would do, and does nothing of it', () => {
  const steps = [{ notify: 'x' }, { block: { seconds: 60 } }, { run: 'bell' }]
  const player = playerOf(steps, { dryRun: true }, { bell: ['/bin/true'] })
  expect(player.play(alertOf())).toEqual([
    'playbook bell: would notify, would block for 60 s, would run bell',
  ])
  expect([said, closed, gate.count]).toEqual([[], [], 0])
})

test('the allow list wins over a playbook', () => {
  const steps = [{ block: { seconds: 60 } }, { limit: { seconds: 60 } }, { closeConnections: true }]
  const [words] = playerOf(steps).play(alertOf({ subject: ip('192.0.2.7') }))
  expect(words).toContain('not done, the printer: block for 60 s')
  expect([gate.count, closed]).toEqual([0, []])
})

test('nothing is done to the victim of an attack that nobody is to blame for', () => {
  const steps = [{ block: { seconds: 60 } }, { closeConnections: true }, { notify: 'a flood' }]
  const [words] = playerOf(steps).play(alertOf({ blame: 'nobody', subject: ip('192.0.2.1') }))
  expect(words).toBe(
    [
      'playbook bell: not done, nobody to blame: block for 60 s',
      'not done, nobody to blame: close its connections',
      'notify',
    ].join(', '),
  )
  expect(gate.count).toBe(0)
})

test('nothing is done to a victim that an alert is named after, nor to anybody once it is over', () => {
  const player = playerOf([{ block: { seconds: 60 } }])
  const { evidence } = alertOf()
  expect(player.play(alertOf({ subject: ip('192.0.2.1') }))[0]).toContain('it names the victim')
  expect(player.play(alertOf({ evidence: { ...evidence, endedAt: 900 } }))[0]).toContain('it is over')
  expect(gate.count).toBe(0)
})

test('strangers in whose name somebody sends are not banned by the thousand: the budget holds here too', () => {
  const steps = [
    { block: { seconds: 60 } },
    { closeConnections: true },
    { notify: 'a scan' },
    { capture: { packets: 9 } },
  ]
  const player = playerOf(steps)
  const words = strangers(10_000).map((subject) => player.play(alertOf({ subject }))[0] ?? '')
  expect(gate.count).toBe(2)
  expect(words[2]).toContain(
    'not done, the source may be forged (respond.blocksPerMinute, respond.guestDays)',
  )
  // Nor does the log of decisions, the journal or the disk fill up.
  expect([decisions.length, said.length, kept.length]).toEqual([62, 60, 4])
  expect(words[4]).toContain('did not keep the next 9 packets: too many at once')
  expect(words.at(-1)).toBe('playbook bell: not played, too often in a minute and the source may be forged')
  const proven = alertOf({ subject: ATTACKER, spoofable: false })
  expect(player.play(proven)[0]).toContain('blocked for 60 s, closed')
})

const strangers = (count: number) =>
  Array.from({ length: count }, (_, n) => ip(`198.18.${n >> 8}.${n & 255}`))

test('a block is made longer, never shorter, and replaces a limit', () => {
  gate.block({ target: ATTACKER, seconds: 60, effect: 'limit', origin: 'detector', actor: 'a', reason: 'b' })
  const long = playerOf([{ block: { seconds: 600 } }])
  const short = playerOf([{ block: { seconds: 60 } }, { limit: { seconds: 9_999 } }])
  expect(long.play(alertOf())).toEqual(['playbook bell: blocked for 10 min'])
  expect(short.play(alertOf())[0]).toContain('203.0.113.9 is blocked already, 203.0.113.9 is blocked already')
  expect(gate.blocks()).toMatchObject([{ until: 601_000 }])
})

test('a command is run with its arguments as they are, and how it ended is said', async () => {
  const player = playerOf(
    [{ run: 'bell' }],
    {},
    { bell: ['/usr/bin/printf', '%s|', '{subject}', '$(id); `id`'] },
  )
  expect(player.play(alertOf())).toEqual(['playbook bell: ran bell'])
  await expect.poll(() => said).toEqual(['Playbook bell: bell ended with 0: 203.0.113.9|$(id); `id`|'])
})

test('no more than four commands run at once', async () => {
  const player = playerOf([{ run: 'wait' }], { coolDownMinutes: 0 }, { wait: ['/bin/sleep', '0.3'] })
  const words = Array.from({ length: 6 }, () => player.play(alertOf())[0])
  expect(words.filter((word) => word?.endsWith('ran wait'))).toHaveLength(4)
  expect(words.at(-1)).toContain('did not run wait: 4 commands run already')
  await expect.poll(() => said, { timeout: 3_000 }).toHaveLength(4)
  expect(player.play(alertOf())).toEqual(['playbook bell: ran wait'])
})
