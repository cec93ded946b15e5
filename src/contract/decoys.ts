import { z } from '@hono/zod-openapi'

const count = z.number().int().nonnegative()
const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const port = z.number().int().min(0).max(65_535)

const DecoyPeer = z
  .object({
    peer: z.string(),
    peerPort: port,
    address: z.string().openapi({ description: 'Of the decoy' }),
    port: port.openapi({ description: 'Of the decoy' }),
    since: time,
    lastAt: time,
    state: z.enum(['held', 'left']),
    bytes: count.openapi({ description: 'That it sent' }),
    said: z
      .string()
      .openapi({ description: 'The first of them; what is not printable ASCII is written \\xNN' }),
  })
  .openapi('DecoyPeer')

export const DecoyStatus = z
  .object({
    ports: z.array(port),
    givenWay: z.array(port).openapi({ description: 'Of these, ports that a program listens on' }),
    addresses: z.array(z.string()),
    answered: count,
    unanswered: count.openapi({ description: 'SYNs beyond what is answered in a second' }),
    peers: z.array(DecoyPeer).openapi({ description: 'Who made a handshake, newest first' }),
  })
  .openapi('DecoyStatus')

export type DecoyStatus = z.infer<typeof DecoyStatus>
