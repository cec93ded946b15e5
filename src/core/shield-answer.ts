import { z } from 'zod'
import type { Shield } from '#enforce/shield.ts'
import type { Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { AllowEntry } from '#model/allow.ts'
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
        readonly kernel: Pick<Shield, 'isListening' | 'hasCookies'>
        readonly book: Pick<ShieldBook, 'raise'>
      }
    | undefined
  /** As they are now. */
  readonly settings: () => ShieldSettings
  /** Whether this detector may act by itself. */
  readonly mayAct: (detector: string) => boolean
  readonly spares: (target: Target) => AllowEntry | undefined
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
        `Challenged ${length} addresses for ${lasting()}: who is really there gets through`,
    })
    return wordsOf(answer, 'The kernel has no SYN proxy: the addresses are not challenged')
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
    return wordsOf(answer, 'The kernel has no SYN proxy: set net.ipv4.tcp_syncookies to 1')
  }

  function wordsOf(answer: ShieldAnswered, refusal: string): string {
    if (answer.state === 'up') return answer.said
    if (answer.state === 'refused') return refusal
    return `No SYN proxy for ${duration((answer.until - now()) / 1000)}: somebody ended it by hand`
  }

  const lasting = (): string => duration(parts.settings().seconds)
  const orderOf = ({ subject: target, summary: why, id: alertId }: Alert) => ({
    ...{ target, why, alertId },
    until: now() + parts.settings().seconds * 1000,
  })

  return (alert) => {
    if (!shield || alert.blame !== 'nobody' || !parts.mayAct(alert.detector)) return []
    const said =
      alert.kind === 'decoys'
        ? challenge(alert, shield)
        : alert.detector === 'flood' && alert.kind === 'syn'
          ? guard(alert, shield)
          : undefined
    return said === undefined ? [] : [said]
  }
}

const portText = (place: Place): string => ('port' in place ? `${place.port}` : place.sender)
