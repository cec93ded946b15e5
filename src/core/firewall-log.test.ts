import { expect, test } from 'vitest'
import { KernelError } from '#kernel/libc.ts'
import type { LoggedPacket } from '#kernel/nflog.ts'
import type { Owner } from '#model/owner.ts'
import type { RuledPacket } from '#model/ruled-packet.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { FirewallLog, type FirewallLogParts } from './firewall-log.ts'
import { RuleNames } from './rule-names.ts'

const WORLD = { uidOf: () => undefined, listText: () => undefined }
const bookOf = (text: string) => {
  const { book, problems } = parseRules(text, 'test', WORLD)
  if (!book) throw new Error(JSON.stringify(problems))
  return book
}

const SYN = new DataView(
  Uint8Array.from(Buffer.from(`4500003c0001400040060000c0000201c6336407${'c0a80050'.padEnd(40, '0')}`, 'hex'))
    .buffer,
)
const packet = (prefix: string, hook: LoggedPacket['hook'] = 'inbound'): LoggedPacket => ({
  prefix,
  hook,
  bytes: SYN,
})

function logOf(parts: Partial<FirewallLogParts> = {}) {
  const book = bookOf(
    'defaults: { inbound: reject }\nrules:\n  - { id: shut, action: deny }\n  - limit in ssh\n',
  )
  const names = new RuleNames(() => book)
  const written: RuledPacket[] = []
  const said: number[] = []
  const log = new FirewallLog({
    because: (prefix, hook) => names.ruleOf(prefix, hook),
    open: () => ({ close() {} }),
    unwritten: [],
    packetsPerSecond: 10,
    linkName: () => undefined,
    userName: () => undefined,
    write: (one) => written.push(one),
    writeUnwritten: (packets) => said.push(packets),
    file: undefined,
    now: () => 1000,
    ...parts,
  })
  return { log, written, said }
}

test('the id in the kernel becomes number, outcome, and whether it was beyond a limit', () => {
  const { log, written } = logOf()
  for (const id of ['shut', 'beyond:rule-2', 'default-inbound', 'no-such-rule']) log.hear(packet(id))
  expect(written).toMatchObject([
    { rule: { number: 1 }, outcome: 'deny', isBeyondLimit: false },
    { rule: { number: 2 }, outcome: 'deny', isBeyondLimit: true },
    { rule: { number: 0 }, outcome: 'reject', isBeyondLimit: false },
  ])
})

test('packets of the rules just before still have their name', () => {
  const [before, after] = [
    bookOf('rules: [{ id: old, action: deny }]'),
    bookOf('rules: [{ id: new, action: deny }]'),
  ]
  let book = before
  const names = new RuleNames(() => book)
  expect(names.ruleOf('old', 'inbound')?.rule.id).toBe('old')
  book = after
  expect(names.ruleOf('old', 'inbound')?.rule.id).toBe('old')
  expect(names.ruleOf('new', 'inbound')?.rule.id).toBe('new')
})

test('more than the bound in a second is counted, with what the kernel counted, and said once', () => {
  const counters = [5, 3]
  const { log, written, said } = logOf({ unwritten: [...counters.keys()].map((at) => () => counters[at]) })
  for (let at = 0; at < 50; at++) log.hear(packet('shut'))
  log.count()
  log.count()
  expect(written).toHaveLength(40)
  expect(said).toEqual([18])
  // One table was put in place anew: its counter begins at zero, and the other one goes on.
  counters[0] = 2
  counters[1] = 4
  log.count()
  expect(log.latest(1000, 0)).toMatchObject({ unwritten: 21 })
  expect(log.latest(3, 39).packets.map(({ id }) => id)).toEqual([40])
})

test('an outbound packet waits a moment for its program', () => {
  const { log, written } = logOf()
  const asked: unknown[] = []
  const owner = { pid: 7, path: '/usr/bin/nc' } as Owner
  log.owners = {
    ownerOf: () => (asked.length > 0 ? owner : undefined),
    request: (keys) => asked.push(...keys),
  }
  log.hear(packet('shut', 'outbound'))
  expect(written).toEqual([])
  log.stop()
  expect(written[0]).toMatchObject({ program: '/usr/bin/nc', pid: 7 })
  expect(asked).toHaveLength(1)
})

test('where the kernel hands nothing over the rest goes on, and it is said', () => {
  const { log } = logOf({
    open() {
      throw new KernelError('bind', 22)
    },
  })
  log.start()
  expect(log.health).toMatchObject({ state: 'degraded', remedy: expect.stringContaining('nfnetlink_log') })
  log.stop()
})
