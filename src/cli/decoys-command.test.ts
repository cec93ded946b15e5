import { afterEach, beforeEach, expect, test } from 'vitest'
import { Refused } from '#api/port.ts'
import type { DecoyChange, DecoyStatus } from '#contract/decoys.ts'
import type { ShieldStatus } from '#contract/shield.ts'
import { type CommandLine, openCommandLine } from '../../test/support/command-line.ts'
import { createSmallProduct } from '../../test/support/port.ts'

const product = createSmallProduct()
const { now } = product.status()
const NONE: DecoyStatus = {
  ...{ isEnabled: true, mode: 'act', ports: [], givenWay: [], addresses: [], banners: {} },
  ...{ answered: 0, unanswered: 0, peers: [] },
}
const shielded = { since: now - 60_000, until: now + 540_000, reason: 'a flood\u001b[2J', alertId: 5 }
const SHIELDED: ShieldStatus = {
  guarded: [{ port: 443, ...shielded }],
  challenged: [{ address: '2001:db8::9', ...shielded }],
  paced: [{ address: '192.0.2.7', port: 53, perSecond: 500, ...shielded }],
  closed: [{ port: 8080, ...shielded }],
}

let line: CommandLine
let status: DecoyStatus
let asked: DecoyChange[]
let ended: string[]

beforeEach(async () => {
  status = NONE
  asked = []
  ended = []
  const end = (what: string) => {
    ended.push(what)
    return { sentence: 'It is over.', closedConnections: 0 }
  }
  line = await openCommandLine({
    ...product,
    decoys: {
      status: () => status,
      async change(request) {
        asked.push(request)
        if (request.remove?.includes('80'))
          throw new Refused(404, '80 is no decoy.', 'See what is: gatehouse decoys')
        const about = { at: 1, kind: 'setting', target: 'setting x', actor: 'root', reason: '' } as const
        const consequence = { kind: 'answers' as const, places: ['23'], sentence: 'Port 23 will answer.' }
        return {
          sentence: 'decoys.ports = [23].',
          consequences: [consequence],
          decisions: request.dryRun ? [] : [4, 5].map((id) => ({ id, ...about })),
        }
      },
    },
    shield: {
      status: () => SHIELDED,
      open: (port) => end(`closed ${port}`),
      unguard: (port) => end(`guarded ${port}`),
      unchallenge: (address) => end(`challenged ${address}`),
      unpace: ({ address, port }) => end(`paced ${address} ${port}`),
      recordings: () => [],
    },
  })
})
afterEach(() => line.close())

test('decoys lists what answers and who came, and nothing of theirs steers the terminal', async () => {
  await line.run('decoys')
  expect(line.said).toContain('There are no decoys')
  const peer = { peer: '203.0.113.9', peerPort: 4000, address: '192.0.2.1', port: 23, isBlocked: true }
  status = {
    ...{ ...NONE, ports: [23, 80], givenWay: [80], addresses: ['192.0.2.9'], answered: 1, unanswered: 3 },
    problem: { sentence: 'no interface is up', hint: 'Bring one up.' },
    peers: [
      {
        ...peer,
        since: now - 120_000,
        lastAt: now - 60_000,
        state: 'held',
        bytes: 9,
        said: 'a\u001b[2J',
        alertId: 5,
      },
    ],
  }
  await line.run('decoys')
  expect(line.said).toContain(
    'ports 23, 80; 192.0.2.9; who connects is blocked. 1 SYN was answered, 3 beyond',
  )
  expect(line.said).toContain('A program listens at 80: no decoy now.')
  expect(line.said).toContain('They do not answer now: no interface is up. Bring one up.')
  expect(line.said).toMatch(/2 min +203\.0\.113\.9 4000 +192\.0\.2\.1 23 +held +yes +5 +9 +a/)
  expect(line.said).not.toContain('\u001b')
  status = { ...status, isEnabled: false }
  await line.run('decoys')
  expect(line.said).toContain('Decoys are off. Set are: ports 23, 80; 192.0.2.9.')
})

test('decoys add, remove, on and off ask for exactly that, say what it means, and how to take it back', async () => {
  expect(await line.run('decoys add 23 192.0.2.9 --banner login:')).toBe(0)
  expect(line.said).toBe(
    'decoys.ports = [23].\nPort 23 will answer.\nUndo: gatehouse undo 5 && gatehouse undo 4\n',
  )
  await line.run('decoys remove 23 --dry-run')
  expect(line.said).not.toContain('Undo')
  await line.run('decoys on')
  await line.run('decoys off')
  expect(asked).toEqual([
    { add: ['23', '192.0.2.9'], banner: 'login:' },
    { remove: ['23'], dryRun: true },
    { isEnabled: true },
    { isEnabled: false },
  ])
  expect(await line.run('decoys remove 80')).toBe(1)
  expect(line.said).toContain('80 is no decoy.')
})

test('shield says what stands where and why, and ends it by port or address', async () => {
  await line.run('shield')
  expect(line.said).toMatch(/port 443 +behind a SYN proxy +9 min +5 +a flood/)
  expect(line.said).toMatch(/2001:db8::9 +challenged/)
  expect(line.said).toMatch(/192\.0\.2\.7:53 +UDP, 500 new packets a second/)
  expect(line.said).toMatch(/port 8080 +closed/)
  expect(line.said).not.toContain('\u001b')
  for (const words of ['end 443', 'end 2001:db8::9', 'end 192.0.2.7:53', 'open 8080'])
    expect(await line.run(`shield ${words}`)).toBe(0)
  expect(ended).toEqual(['guarded 443', 'challenged 2001:db8::9', 'paced 192.0.2.7 53', 'closed 8080'])
  for (const word of ['0', '65536', 'ssh', '203.0.113.0/24']) {
    expect(await line.run(`shield end ${word}`)).toBe(2)
    expect(line.said).toContain(`${word} is no port and no address.`)
  }
})
