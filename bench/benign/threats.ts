import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Intel, type IntelParts, startIntel } from '#core/intel.ts'
import type { IntelBase } from '#core/intel-base.ts'
import { createShieldAnswer, type ShieldAnswerParts, type ShieldSettings } from '#core/shield-answer.ts'
import type { ShieldOrder } from '#core/shield-book.ts'
import { until } from '../../test/support/daemon.ts'
import { OWN } from './machine.ts'

/** Benchmarking networks (RFC 2544) and names that nobody can have (RFC 2606): the office talks to none of them. */
const ADDRESSES = 20_000
const NAMES = 5_000
export const LISTED_ADDRESS = '198.18.0.9'

const numbered = (count: number, name: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => `${name(n)}\n`).join('')

/** Lines of config.yaml for two lists, one of which blocks; they lie beside it. */
export function layLists(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const [addresses, names] = [join(folder, 'addresses.txt'), join(folder, 'names.txt')]
  writeFileSync(
    addresses,
    numbered(ADDRESSES, (n) => `198.18.${n >> 8}.${n & 255}`),
  )
  writeFileSync(
    names,
    numbered(NAMES, (n) => `host-${n}.invalid`),
  )
  return [
    'intel:\n  lists:',
    `    - { id: bad-addresses, file: ${addresses}, format: plain, action: block, everyHours: 8760 }`,
    `    - { id: bad-names, file: ${names}, format: domains, action: alert, everyHours: 8760 }\n`,
  ].join('\n')
}

export interface HeldLists {
  readonly intel: Intel
  stop(): Promise<void>
}

/** The lists of a daemon, once all of them are in force. */
export async function holdLists(
  base: Omit<IntelBase, 'speaker' | 'onStop'>,
  parts: Omit<IntelParts, 'listSockets' | 'describe' | 'reputed'>,
): Promise<HeldLists> {
  const stops: (() => Promise<void>)[] = []
  const intel = await startIntel(
    {
      ...base,
      speaker: { say: (sentence) => console.log(`  ${sentence}`) },
      onStop: (stop) => stops.push(stop),
    },
    {
      ...parts,
      listSockets: () => Promise.reject(new Error('made up: there are no sockets')),
      describe: async ({ path }) => ({ path, package: { state: 'none', because: 'made up' } }),
      reputed() {},
    },
  )
  const entries = `with ${ADDRESSES + NAMES} entries`
  await until('all lists are in force', () =>
    intel.health().some((part) => part.state === 'ok' && part.note?.includes(entries) === true),
  )
  return {
    intel,
    async stop() {
      for (const stop of stops.toReversed()) await stop()
    },
  }
}

type Answer = ReturnType<typeof createShieldAnswer>

/** Says what the shield would have to do at a kernel without SYN cookies, where a program listens at every port. */
export function createMadeUpShield(
  settings: ShieldSettings,
  parts: Pick<ShieldAnswerParts, 'mayAct' | 'spares' | 'now'>,
): { readonly answer: Answer; readonly orders: readonly ShieldOrder[] } {
  const orders: ShieldOrder[] = []
  const answer = createShieldAnswer({
    ...parts,
    ...{ settings: () => settings, isOwn: (address: string) => address === OWN, talking: () => [] },
    shield: {
      kernel: { isListening: () => true, isForwarding: () => true, hasCookies: false },
      book: {
        raise(order) {
          orders.push(order)
          return { state: 'up', said: order.say(order.places) }
        },
      },
    },
  })
  return { answer, orders }
}
