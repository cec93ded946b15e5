import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect } from 'vitest'
import type { Alert, Block, Decision, Outcome, Page } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { listen } from '../support/talkers.ts'

/** What follows from a real scan, in a real daemon and its kernel. */
const SUPPORT = fileURLToPath(new URL('../support/', import.meta.url))
const test = testWith('root', 'ip', 'nft', 'nmap')

let wire: Wire
let daemon: TestDaemon | undefined
let folder: string | undefined

beforeEach(() => {
  wire = layWire()
})

afterEach(async () => {
  await daemon?.stop()
  daemon = undefined
  wire.remove()
  if (folder !== undefined) removeFolder(folder)
  folder = undefined
})

async function guardWith(config: string): Promise<TestDaemon> {
  daemon = await startDaemon({ namespace: wire.server.namespace, config, ...(folder && { folder }) })
  folder = daemon.folder
  return daemon
}

/** Each at other ports, so that the next one is news. */
const scan = (ports: string): string =>
  wire.client.run(
    'nmap',
    ...['-n', '-Pn', '-sS', '-T4', '--max-retries', '0', '--max-rtt-timeout', '100ms'],
    ...['-p', ports, wire.server.ip4],
  )

const blocks = (guard: TestDaemon): Block[] => guard.ask<Block[]>('block', 'list')
const alerts = (guard: TestDaemon): Alert[] =>
  guard.ask<Page<Alert>>('alerts').items.filter(({ detector }) => detector === 'port-scan')

test('who scans again after a block is shut out for longer, also after a restart', async () => {
  const config = 'respond:\n  blockSeconds: 2\n  escalation: [4, 3600]\n'
  const first = await guardWith(config)
  scan('1-60')
  await until('the first block', () => blocks(first).length === 1)
  await until('its end', () => blocks(first).length === 0)
  scan('101-160')
  await until('the second block', () => blocks(first).length === 1)
  expect(blocks(first)[0]?.reason).toMatch(/; second time in 7 days$/)
  await until('its end', () => blocks(first).length === 0)
  await first.stop()

  const second = await guardWith(config)
  scan('201-260')
  await until('the third block', () => blocks(second).length === 1)
  const [block] = blocks(second)
  expect(block?.reason).toMatch(/; third time in 7 days$/)
  expect(Math.round(((block?.until ?? 0) - (block?.since ?? 0)) / 1000)).toBe(3_600)
})

test('whom a person unblocks is blocked again when the scan goes on, at once and as the first time', async () => {
  const guard = await guardWith('respond:\n  blockSeconds: 300\n')
  for (let round = 0; round < 4; round++) scan(`${round * 100 + 1}-${round * 100 + 60}`)
  await until('the block', () => blocks(guard).length === 1)
  guard.tell('unblock', wire.client.ip4)
  // A story is told once a second at the most.
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  expect(blocks(guard)).toEqual([])
  scan('1001-1060')
  await until('the next block', () => blocks(guard).length === 1)
  const [block] = blocks(guard)
  expect(block?.reason).not.toContain('time in 7 days')
  expect(Math.round(((block?.until ?? 0) - (block?.since ?? 0)) / 1000)).toBe(300)
})

test('a detector that suggests waits for a person, earns trust, and loses it by the first block taken back', async () => {
  const guard = await guardWith('respond:\n  confirmations: 1\n  modes:\n    port-scan: suggest\n')
  scan('1-60')
  await until('the suggestion', () => alerts(guard)[0]?.suggestion !== undefined)
  expect(alerts(guard)[0]?.response).toMatch(/^Suggested: block /)
  expect(blocks(guard).filter(({ actor }) => actor === 'port-scan')).toEqual([])

  const accepted = guard.ask<Outcome>('alerts', 'accept', String(alerts(guard)[0]?.id))
  expect(accepted.sentence).toContain('port-scan blocks by itself from now on')
  expect(blocks(guard)).toMatchObject([{ target: wire.client.ip4, origin: 'person' }])
  guard.tell('unblock', wire.client.ip4)
  await new Promise((resolve) => setTimeout(resolve, 1_100))

  scan('101-160')
  await until('its own block', () => blocks(guard)[0]?.actor === 'port-scan')
  guard.tell('unblock', wire.client.ip4)
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  scan('201-260')
  await until('the next suggestion', () => alerts(guard)[0]?.suggestion !== undefined)
  expect(blocks(guard)).toEqual([])
})

test('beyond the budget an unproven source is only limited, and one alert says why', async () => {
  const guard = await guardWith('respond:\n  blocksPerMinute: 1\n')
  scan('1-60')
  await until('the one block', () => blocks(guard).length === 1)
  wire.client.run(
    'nmap',
    '-6',
    '-n',
    '-Pn',
    '-sS',
    '-T4',
    '--max-retries',
    '0',
    '-p',
    '1-60',
    wire.server.ip6,
  )
  await until('the limit', () => blocks(guard).length === 2)
  const limited = blocks(guard).find(({ target }) => target === wire.client.ip6)
  expect(limited).toMatchObject({ effect: 'limit', enforced: true })
  expect(alerts(guard).find(({ subject }) => subject === wire.client.ip6)?.response).toMatch(
    /^Limited for 10 min: respond.blocksPerMinute = 1 is used up/,
  )
  const overflow = guard.ask<Page<Alert>>('alerts').items.filter(({ detector }) => detector === 'response')
  expect(overflow).toMatchObject([{ kind: 'too-many', blame: 'nobody', times: 1 }])
  expect(guard.tell('unblock', wire.client.ip6)).toContain('is reachable again')
})

test('a playbook runs its command, and the log says so', async () => {
  const config = (mark: string): string => `
playbooks:
  commands:
    mark: [/usr/bin/touch, ${mark}]
  books:
    - name: remember
      when: { detector: port-scan, severity: high }
      steps: [{ notify: somebody knocks }, { run: mark }]
`
  const mark = join('/tmp', `gatehouse-playbook-${process.pid}`)
  const guard = await guardWith(config(mark))
  try {
    scan('1-60')
    await until('the mark', () => existsSync(mark))
    await until('how it ended', () => guard.output().includes('Playbook remember: mark ended with 0'))
    expect(guard.output()).toContain('Playbook remember: somebody knocks (alert ')
    const kinds = guard.ask<Page<Decision>>('decisions').items.map(({ kind }) => kind)
    expect(kinds).toContain('playbook')
    expect(alerts(guard)[0]?.response).toMatch(/^Blocked for 10 min; playbook remember: notify, ran mark/)
  } finally {
    removeFolder(mark)
  }
})

test('a dry run says which program a block would cut off', async () => {
  const guard = await guardWith('')
  const port = await listen(wire.server)
  wire.client.start(process.execPath, `${SUPPORT}tcp-caller.ts`, wire.server.ip4, `${port}`)
  const rehearsal = (): string => guard.tell('block', wire.client.ip4, '--dry-run')
  await until('the program is known', () => /cuts off 1 live connection of \S+/.test(rehearsal()))
  expect(rehearsal()).toMatch(
    /^\S+ would be blocked for 10 min\. It cuts off 1 live connection of \S+ \(user root\)\./,
  )
  expect(blocks(guard)).toEqual([])
})
