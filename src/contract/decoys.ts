import { z } from '@hono/zod-openapi'
import { Decision } from './schemas.ts'

const count = z.number().int().nonnegative()
const time = z.number().openapi({ description: 'Milliseconds since the epoch' })
const port = z.number().int().min(0).max(65_535)
const banners = z
  .record(z.string(), z.string())
  .openapi({ description: 'Port → what it says first', example: { '23': 'login: ' } })

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
    alertId: z.number().int().optional().openapi({ description: 'The alert that this led to' }),
    isBlocked: z.boolean().openapi({ description: 'Turned away now' }),
  })
  .openapi('DecoyPeer')

export const DecoyStatus = z
  .object({
    isEnabled: z.boolean().openapi({ description: 'False: they are set, and do not answer' }),
    mode: z
      .enum(['off', 'watch', 'suggest', 'act'])
      .openapi({ description: 'What becomes of who connects: act blocks' }),
    ports: z.array(port).openapi({ description: 'As they are set' }),
    givenWay: z.array(port).openapi({ description: 'Of these, ports that a program listens on' }),
    addresses: z.array(z.string()).openapi({ description: 'Every TCP port of them is a decoy' }),
    banners,
    problem: z
      .object({ sentence: z.string(), hint: z.string() })
      .optional()
      .openapi({ description: 'Why nothing answers, though it should' }),
    answered: count,
    unanswered: count.openapi({ description: 'SYNs beyond what is answered in a second' }),
    peers: z.array(DecoyPeer).openapi({ description: 'Who made a handshake, newest first' }),
  })
  .openapi('DecoyStatus')

const places = z.array(z.string().max(64)).max(1_000)

/** What is absent stays as it is; a list that is given replaces the one before. */
export const DecoyChange = z
  .strictObject({
    add: places
      .optional()
      .openapi({ description: 'Further ports and addresses', example: ['23', '192.0.2.9'] }),
    banner: z.string().optional().openapi({ description: 'What the ports of `add` say first' }),
    remove: places.optional().openapi({ description: 'Ports and addresses that are no decoys any more' }),
    isEnabled: z.boolean().optional(),
    ports: z.array(z.number()).max(1_000).optional(),
    addresses: z.array(z.string().max(64)).max(1_000).optional(),
    banners: banners.optional(),
    dryRun: z.boolean().optional(),
  })
  .openapi('DecoyChange')

const DecoyConsequence = z
  .object({
    kind: z.enum(['answers', 'ends', 'listens', 'own', 'way-in']).openapi({
      description:
        'answers: from now on. ends: no more. listens: a program does, so it is no decoy. own: an address of this ' +
        'machine, not of nobody. way-in: somebody logs in there when its program runs',
    }),
    places: z.array(z.string()).openapi({ description: 'Ports and addresses' }),
    peers: count.optional().openapi({ description: 'Held there now, and let go' }),
    sentence: z.string(),
  })
  .openapi('DecoyConsequence')

export const DecoyOutcome = z
  .object({
    sentence: z.string(),
    consequences: z.array(DecoyConsequence),
    /** One of each setting that changed; each can be undone. */
    decisions: z.array(Decision),
  })
  .openapi('DecoyOutcome')

export type DecoyStatus = z.infer<typeof DecoyStatus>
export type DecoyChange = z.infer<typeof DecoyChange>
export type DecoyConsequence = z.infer<typeof DecoyConsequence>
export type DecoyOutcome = z.infer<typeof DecoyOutcome>
