import { z } from 'zod'
import { parseIp } from '#model/address.ts'
import type { DecoyOrder, DecoyStatus } from '#model/decoy.ts'

const MOST_PORTS = 256
const BANNER_BYTES = 512

const port = z.int().min(1).max(65_535)

/** The `decoys` section of the config. */
export const decoySettings = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether the ports and addresses below answer. Without any nothing does.'),
    ports: z
      .array(port)
      .max(MOST_PORTS)
      .default([])
      .describe(
        'TCP ports of this machine that answer though no program listens there, such as [23, 3389]: whoever ' +
          'connects is held, what he sends is recorded, and he is blocked. A port that a program listens on is none, ' +
          'from that moment on',
      ),
    addresses: z
      .array(z.string().refine((text) => parseIp(text) !== undefined, { error: 'Use an address' }))
      .max(MOST_PORTS)
      .default([])
      .describe(
        'Addresses that nobody uses and whose packets reach this machine (by a route; ARP is not answered): every ' +
          'TCP port of them is a decoy',
      ),
    banners: z
      .record(z.string().regex(/^[1-9]\d{0,4}$/, 'Use a port number'), z.string().max(BANNER_BYTES))
      .default({})
      .describe('What a decoy says first, by port: {"23": "login: "}'),
    mostPeers: z.int().min(1).max(4_096).default(256).describe('So many peers are held at the same time'),
    recordBytes: z
      .int()
      .min(0)
      .max(4_096)
      .default(512)
      .describe('So many bytes of what each peer sends are recorded'),
  })
  .prefault({})

export type DecoySettings = z.output<typeof decoySettings>

/** Undefined: there are none. */
export function decoyOrderOf(settings: DecoySettings): DecoyOrder | undefined {
  const { enabled, ports, addresses, banners, mostPeers, recordBytes } = settings
  if (!enabled || ports.length + addresses.length === 0) return undefined
  return {
    ports: [...new Set(ports)],
    addresses: addresses.flatMap((text) => parseIp(text) ?? []),
    banners: Object.fromEntries(Object.entries(banners).map(([each, text]) => [Number(each), text])),
    ...{ mostPeers, recordBytes },
  }
}

/** The last that the capture thread told of the decoys; before that, what was ordered. */
export interface DecoyDesk {
  take(status: DecoyStatus): void
  /** Other decoys from now on. */
  order(order: DecoyOrder | undefined): void
  status(): DecoyStatus
}

export function createDecoyDesk(ordered: DecoyOrder | undefined): DecoyDesk {
  let now = ordered
  let last: DecoyStatus | undefined
  return {
    take(status) {
      last = status
    },
    order(order) {
      now = order
    },
    status() {
      const { ports = [], addresses = [] } = now ?? {}
      const { givenWay = [], answered = 0, unanswered = 0, peers = [] } = last ?? {}
      const taken = givenWay.filter((port) => ports.includes(port))
      return { ports, addresses, givenWay: taken, answered, unanswered, peers }
    },
  }
}
