import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect } from 'vitest'
import type { Alert, Block, Decision, DoctorCheck, Page, Status } from '#contract/schemas.ts'
import { removeFolder, startDaemon, type TestDaemon, until } from '../support/daemon.ts'
import { layWire, type Wire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { listen } from '../support/talkers.ts'

/** The whole product against the real tools, in namespaces of its own. */
const SUPPORT = fileURLToPath(new URL('../support/', import.meta.url))
const test = testWith('root', 'ip', 'nft', 'nmap')

let wire: Wire
let daemon: TestDaemon | undefined
let folders: string[]

beforeEach(() => {
  wire = layWire()
  folders = []
})

afterEach(async () => {
  await daemon?.stop()
  daemon = undefined
  wire.remove()
  for (const folder of folders) removeFolder(folder)
})

async function protectedServer(config = '', folder?: string): Promise<TestDaemon> {
  daemon = await startDaemon({ namespace: wire.server.namespace, config, ...(folder ? { folder } : {}) })
  folders.push(daemon.folder)
  return daemon
}

const blocked = (of: TestDaemon): string[] => of.ask<Block[]>('block', 'list').map((block) => block.target)

/** On a near wire nmap need not wait half a second for each silent port: without this it takes over a minute. */
const PACE = ['-n', '-Pn', '--max-retries', '0', '--max-rtt-timeout', '100ms']

const scan = (...words: string[]): string => wire.client.run('nmap', ...PACE, ...words, wire.server.ip4)

/** Whether a new connection from the client to this port of the server comes about or is refused: both mean that packets pass. */
function reaches(port: number): boolean {
  const answer = wire.client.run(
    process.execPath,
    `${SUPPORT}tcp-caller.ts`,
    wire.server.ip4,
    String(port),
    'once',
  )
  return /open|ECONNREFUSED/.test(answer)
}

describe('a port scan from a neighbour', () => {
  test('is cut off before it learns 5 % of 1,000 ports', async () => {
    const guard = await protectedServer()
    // Left alone, nmap slows down as soon as answers fail to come: this is its pace before that.
    const report = scan('-sS', '-T4', '--min-rate', '7000')
    const learnt =
      Number(/(\d+) closed tcp ports/.exec(report)?.[1] ?? 0) + [...report.matchAll(/^\d+\/tcp/gm)].length
    const reaction = guard.ask<DoctorCheck[]>('doctor').find((check) => check.name === 'reaction')
    process.stdout.write(`nmap -sS -T4 learnt ${learnt} of 1,000 ports; ${reaction?.finding}\n`)

    expect(learnt).toBeLessThanOrEqual(50)
    expect(blocked(guard)).toEqual([wire.client.ip4])
    const [alert] = guard.ask<Page<Alert>>('alerts').items
    expect(alert).toMatchObject({
      detector: 'port-scan',
      kind: 'syn',
      subject: wire.client.ip4,
      technique: 'T1046',
    })
    expect(alert?.evidence.ports?.length).toBeGreaterThanOrEqual(5)
    expect(alert?.response).toMatch(/^Blocked for 10 min/)
  })

  test('leaves an honest client beside it alone', async () => {
    const guard = await protectedServer()
    const honest = wire.client.ip4.replace(/\.2$/, '.3')
    execFileSync('ip', ['-n', wire.client.namespace, 'addr', 'add', `${honest}/24`, 'dev', wire.client.link])
    const port = await listen(wire.server)
    const attack = wire.client.start(
      'nmap',
      '-n',
      '-Pn',
      '--max-retries',
      '0',
      '-sS',
      '-T4',
      '--min-rate',
      '7000',
      wire.server.ip4,
    )
    const ended = new Promise((resolve) => attack.once('exit', resolve))
    const opened = wire.client.run(
      process.execPath,
      `${SUPPORT}benign-client.ts`,
      wire.server.ip4,
      `${port}`,
      '9',
      honest,
    )
    await ended

    expect(opened.trim()).toBe('60')
    expect(blocked(guard)).toEqual([wire.client.ip4])
    expect(guard.ask<Page<Alert>>('alerts').items.map((alert) => alert.subject)).not.toContain(honest)
  })

  test('is forgiven when the time is over, and each knock was counted', async () => {
    const guard = await protectedServer('respond:\n  blockSeconds: 8\n')
    scan('-sS', '-T4', '-p', '1-200')
    await until('the neighbour is shut out', () => !reaches(9))
    await until(
      'the drops are counted',
      () => (guard.ask<Block[]>('block', 'list')[0]?.droppedPackets ?? 0) > 0,
    )
    await until('the neighbour gets in again', () => reaches(9))

    await until('the block is out of the list', () => blocked(guard).length === 0)
    const kinds = guard.ask<Page<Decision>>('decisions').items.map((decision) => decision.kind)
    expect(kinds).toEqual(['expire', 'block'])
  })

  test.each([
    ['-sT', 'connect'],
    ['-sF', 'fin'],
    ['-sN', 'null'],
    ['-sX', 'xmas'],
    ['-sA', 'ack'],
    ['-sM', 'maimon'],
    ['-sU', 'udp'],
  ])('nmap %s is called a %s scan', async (how, kind) => {
    const guard = await protectedServer()
    // A closed UDP port is told once a second only (icmp_ratelimit): the test need not wait for that.
    if (how === '-sU') wire.server.run('sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0')
    scan(how, '-T4', '-p', '1-40')
    await until('there is an alert', () => guard.ask<Page<Alert>>('alerts').items.length > 0)
    const [alert] = guard.ask<Page<Alert>>('alerts').items
    expect(alert).toMatchObject({ detector: 'port-scan', kind, subject: wire.client.ip4 })
  })
})

describe('a crash', () => {
  test('keeps the blocks in the kernel, and the next start takes them over with their reasons', async () => {
    const first = await protectedServer()
    first.tell('block', wire.client.ip4, '--for', '1h', '--reason', 'keeps knocking')
    await first.kill()
    expect(reaches(9)).toBe(false)

    const second = await protectedServer('', first.folder)
    const [block] = second.ask<Block[]>('block', 'list')
    expect(block).toMatchObject({
      target: wire.client.ip4,
      reason: 'keeps knocking',
      enforced: true,
      origin: 'person',
    })
    second.tell('unblock', wire.client.ip4)
    expect(reaches(9)).toBe(true)
  })

  test('loses no decision that was answered', async () => {
    const first = await protectedServer()
    for (let n = 1; n <= 20; n++) first.tell('block', `203.0.113.${n}`)
    await first.kill()
    const second = await protectedServer('', first.folder)
    expect(blocked(second)).toHaveLength(20)
    expect(
      second.ask<Page<Decision>>('decisions').items.filter((decision) => decision.kind === 'block'),
    ).toHaveLength(20)
  })
})

describe('a stop', () => {
  test.each([
    ['clear', true],
    ['keep', false],
  ])('with onStop: %s opens the way: %s', async (onStop, isOpen) => {
    const guard = await protectedServer(`enforce:\n  onStop: ${onStop}\n`)
    guard.tell('block', wire.client.ip4)
    expect(reaches(9)).toBe(false)
    await guard.stop()
    expect(reaches(9)).toBe(isOpen)
  })
})

test('the owner’s own addresses cannot be blocked, and the refusal says why', async () => {
  const guard = await protectedServer()
  expect(() => guard.tell('block', wire.server.ip4)).toThrow(/own address/)
  expect(() => guard.tell('block', '10.0.0.0/8')).toThrow(/own address/)
})

test('a table that another program removes is back soon, and status says so', async () => {
  const guard = await protectedServer()
  guard.tell('block', wire.client.ip4)
  wire.server.run('nft', 'delete', 'table', 'inet', 'gatehouse')
  await until('the block bites again', () => !reaches(9))
  const { parts } = guard.ask<Status>('status')
  expect(parts.find((part) => part.part === 'enforcement')?.note).toMatch(/another program changed it once/)
})
