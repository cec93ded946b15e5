import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { runEnforcer } from '../test/support/enforcer.ts'
import { layWire, type NamespaceHost, type Wire } from '../test/support/namespaces.ts'
import type { Row } from './bench.ts'

const FRAMES = 20_000
const ROUNDS = 9
/** It sends frames from within a namespace, and says what one took of the CPU. */
const SENDER = new URL('rules.ts', import.meta.url).pathname
const HOLDER = new URL('../test/support/nflog-holder.ts', import.meta.url).pathname

type Undo = () => Promise<unknown> | unknown

/** What turns the packets away: each on a wire of its own, so that all are measured in turn. */
interface Trial {
  readonly who: string
  prepare(server: NamespaceHost, attacker: string): Promise<Undo>
}

const TRIALS: readonly Trial[] = [
  {
    who: 'gatehouse',
    async prepare(server, attacker) {
      const holder = server.start(process.execPath, HOLDER, '71')
      await once(holder.stdout as Readable, 'data')
      return guarded(server, attacker)
    },
  },
  { who: 'gatehouse, nothing written', prepare: (server, attacker) => guarded(server, attacker, 'none') },
  { who: 'nft, one rule', prepare: (server, attacker) => ruled(server, `ip saddr ${attacker} counter drop`) },
  {
    who: 'nft, one rule that logs as much',
    prepare: (server, attacker) =>
      ruled(
        server,
        `ip saddr ${attacker} limit rate 25/second burst 50 packets log group 72 drop`,
        `ip saddr ${attacker} counter drop`,
      ),
  },
  { who: 'nobody: the packet comes in', prepare: async () => () => {} },
]

async function guarded(server: NamespaceHost, attacker: string, log = 'some'): Promise<Undo> {
  const enforcer = runEnforcer(server.namespace, { wrapper: ['env', `BLOCK_LOG=${log}`] })
  await enforcer.start()
  if (!(await enforcer.block(attacker))) throw new Error('the kernel did not take the block')
  return () => enforcer.kill()
}

async function ruled(server: NamespaceHost, ...rules: readonly string[]): Promise<Undo> {
  server.run(
    'nft',
    `table inet peer { chain in { type filter hook input priority -160; ${rules.join('; ')}; }; }`,
  )
  return () => {}
}

/** What a packet of a blocked address costs from send to drop. In namespaces of its own; needs root and nft. */
export async function measureTurnedAway(): Promise<Row[]> {
  const laid: { trial: Trial; wire: Wire; times: number[]; undo: Undo }[] = []
  try {
    for (const trial of TRIALS) {
      const wire = layWire()
      const undo = await trial.prepare(wire.server, wire.client.ip4)
      laid.push({ trial, wire, times: [], undo })
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const { wire, times } of laid) times.push(timeOf(wire))
    }
    return laid.map(({ trial: { who }, times }) => ({
      what: 'a packet of a blocked address, CPU from send to drop',
      who,
      value: Math.min(...times),
      unit: 'µs',
      better: 'less',
      note: `least of ${ROUNDS} times ${FRAMES}`,
    }))
  } finally {
    for (const { undo, wire } of laid) {
      await undo()
      wire.remove()
    }
  }
}

function timeOf({ server, client }: Wire): number {
  const mac = server.run('cat', `/sys/class/net/${server.link}/address`).trim()
  return Number(
    client.run(process.execPath, SENDER, '--send', mac, client.ip4, server.ip4, `${FRAMES}`).trim(),
  )
}
