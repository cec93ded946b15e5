import { z } from 'zod'
import type { Shield } from '#enforce/shield.ts'
import type { Ip, Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Endpoint } from '#model/endpoint.ts'
import { duration } from './present.ts'
import type { Place, ShieldAnswered, ShieldBook } from './shield-book.ts'

/** The `shield` section of the config. */
export const shieldSettings = z
  .strictObject({
    challenge: z
      .boolean()
      .default(true)
      .describe(
        'Addresses that scan in step (nmap -D: one scanner, the rest made up) are not blocked but challenged: a SYN ' +
          'proxy answers them at every port. Who is really there still gets through; a scan finds every port open.',
      ),
    floods: z
      .enum(['auto', 'always', 'never'])
      .default('auto')
      .describe(
        'When forged SYNs flood a port that a program listens on: put it behind a SYN proxy, so that new connections ' +
          'still succeed. auto: only where the kernel does not do the same by itself (net.ipv4.tcp_syncookies = 0).',
      ),
    datagramsPerSecond: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(500)
      .describe(
        'When forged UDP packets flood a port: so many a second that begin a conversation get through to it. Who is in ' +
          'one already is not held back. Not where floods is `never`',
      ),
    seconds: z
      .int()
      .min(10)
      .max(86_400)
      .default(600)
      .describe('How long that lasts, counted from the last report'),
  })
  .prefault({})

export type ShieldSettings = z.output<typeof shieldSettings>

export interface ShieldAnswerParts {
  /** Absent: nothing is enforced. */
  readonly shield:
    | {
        readonly kernel: Pick<Shield, 'isListening' | 'isForwarding' | 'hasCookies'>
        readonly book: Pick<ShieldBook, 'raise'>
      }
    | undefined
  /** As they are now. */
  readonly settings: () => ShieldSettings
  /** Whether this detector may act by itself. */
  readonly mayAct: (detector: string) => boolean
  readonly spares: (target: Target) => AllowEntry | undefined
  readonly isOwn: (address: Ip) => boolean
  /** Who is in a conversation with a UDP port now. */
  readonly talking: (place: Endpoint) => readonly Endpoint[]
  readonly now: () => number
}

type Here = NonNullable<ShieldAnswerParts['shield']>

/** What the shield does about alerts that blame nobody. Answers in words what was done; nothing where it has no part. */
export function createShieldAnswer(parts: ShieldAnswerParts): (alert: Alert) => readonly string[] {
  const { shield, spares, now } = parts

  function challenge(alert: Alert, { book }: Here): string | undefined {
    const sources = (alert.evidence.hosts ?? []).filter((source) => spares(source) === undefined)
    if (!parts.settings().challenge || sources.length === 0) return undefined
    const answer = book.raise({
      ...orderOf(alert),
      places: sources.map((sender) => ({ sender })),
      say: ({ length }) =>
        `Challenged ${length === 1 ? '1 address' : `${length} addresses`} for ${lasting()}: who is really there gets through`,
    })
    return wordsOf(
      answer,
      'The addresses are not challenged: the kernel has no SYN proxy, or too many are already',
    )
  }

  function guard(alert: Alert, { kernel, book }: Here): string | undefined {
    const { floods } = parts.settings()
    if (floods === 'never' || alert.evidence.endedAt !== undefined) return undefined
    const ports = (alert.evidence.ports ?? []).filter((port) => kernel.isListening(port))
    if (ports.length === 0) return 'No program listens there: there is no port to protect'
    if (floods === 'auto' && kernel.hasCookies) {
      return 'The kernel answers by SYN cookies: real clients get through'
    }
    const answer = book.raise({
      ...orderOf(alert),
      places: ports.map((port) => ({ port })),
      say: (places) => `Port ${places.map(portText).join(', ')} is behind a SYN proxy for ${lasting()}`,
    })
    return wordsOf(
      answer,
      'No SYN proxy: the kernel has none, or guards too many ports. Set net.ipv4.tcp_syncookies to 1',
    )
  }

  /** No handshake tells who is there: the port is spared what is too much for it. */
  function pace({ subject, evidence, ...alert }: Alert, { kernel, book }: Here): string | undefined {
    const { floods, datagramsPerSecond: perSecond } = parts.settings()
    if (floods === 'never' || evidence.endedAt !== undefined) return undefined
    const isOwn = parts.isOwn(subject)
    // Only looked at, on its way past us.
    if (!isOwn && !kernel.isForwarding(subject)) return undefined
    const attacked = evidence.ports ?? []
    if (attacked.length === 0) return 'It is at no port more than at others: nothing is held back'
    const ports = attacked.filter((port) => !isOwn || kernel.isListening(port, 'udp'))
    if (ports.length === 0) return 'No program listens there: the kernel drops it'
    const places = ports
      .map((port) => ({ address: subject, port }))
      .map((paced) => ({ paced, perSecond, known: parts.talking(paced) }))
    const answer = book.raise({
      ...orderOf({ ...alert, subject, evidence }),
      places,
      say: (places) =>
        `UDP port ${places.map(portText).join(', ')} takes ${perSecond} new packets a second for ${lasting()}: ` +
        'conversations under way go on',
    })
    return wordsOf(answer, 'The kernel cannot limit packets: nothing is held back')
  }

  function wordsOf(answer: ShieldAnswered, refusal: string): string {
    if (answer.state === 'up') return answer.said
    if (answer.state === 'refused') return refusal
    return `No shield for ${duration((answer.until - now()) / 1000)}: somebody ended it by hand`
  }

  const lasting = (): string => duration(parts.settings().seconds)
  const orderOf = ({ subject: target, summary: why, id: alertId }: Alert) => ({
    ...{ target, why, alertId },
    until: now() + parts.settings().seconds * 1000,
  })

  return (alert) => {
    if (!shield || alert.blame !== 'nobody' || !parts.mayAct(alert.detector)) return []
    const which = answerTo(alert)
    const said = which && { challenge, guard, pace }[which](alert, shield)
    return said === undefined ? [] : [said]
  }
}

function answerTo({ kind, detector }: Alert): 'challenge' | 'guard' | 'pace' | undefined {
  if (kind === 'decoys') return 'challenge'
  if (detector === 'amplification') return 'pace'
  if (detector !== 'flood') return undefined
  return kind === 'syn' ? 'guard' : kind === 'udp' ? 'pace' : undefined
}

function portText(place: Place): string {
  if ('paced' in place) return `${place.paced.port}`
  return 'port' in place ? `${place.port}` : place.sender
}
