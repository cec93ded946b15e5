import { z } from 'zod'
import type { Shield } from '#enforce/shield.ts'
import type { Target } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { AllowEntry } from '#model/allow.ts'
import { duration } from './present.ts'

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
  readonly shield: Shield | undefined
  readonly settings: ShieldSettings
  /** Whether this detector may act by itself. */
  readonly mayAct: (detector: string) => boolean
  readonly spares: (target: Target) => AllowEntry | undefined
  readonly note: (about: {
    readonly target: Target
    readonly reason: string
    readonly alertId: number
  }) => void
  readonly now: () => number
}

/** What the shield does about alerts that blame nobody. Answers in words what was done; nothing where it has no part. */
export function createShieldAnswer(parts: ShieldAnswerParts): (alert: Alert) => readonly string[] {
  const { shield, settings, spares, now } = parts
  const lasting = duration(settings.seconds)

  function challenge(alert: Alert, shield: Shield): string | undefined {
    const sources = (alert.evidence.hosts ?? []).filter((source) => spares(source) === undefined)
    if (!settings.challenge || sources.length === 0) return undefined
    const areNew = sources.some((source) => !shield.isChallenged(source))
    if (!shield.challenge(sources, until()))
      return 'The kernel has no SYN proxy: the addresses are not challenged'
    const said = `Challenged ${sources.length} addresses for ${lasting}: who is really there gets through`
    if (areNew) note(alert, said)
    return said
  }

  function guard(alert: Alert, shield: Shield): string | undefined {
    if (settings.floods === 'never' || alert.evidence.endedAt !== undefined) return undefined
    const ports = (alert.evidence.ports ?? []).filter((port) => shield.isListening(port))
    if (ports.length === 0) return 'No program listens there: there is no port to protect'
    if (settings.floods === 'auto' && shield.hasCookies) {
      return 'The kernel answers by SYN cookies: real clients get through'
    }
    return guardAll(ports, alert, shield)
  }

  function guardAll(ports: readonly number[], alert: Alert, shield: Shield): string {
    const areNew = ports.some((port) => !shield.isGuarded(port))
    const areGuarded = ports.map((port) => shield.guard(port, until())).every(Boolean)
    if (!areGuarded) return 'The kernel has no SYN proxy: set net.ipv4.tcp_syncookies to 1'
    const said = `Port ${ports.join(', ')} is behind a SYN proxy for ${lasting}`
    if (areNew) note(alert, said)
    return said
  }

  const until = (): number => now() + settings.seconds * 1000
  const note = (alert: Alert, reason: string): void =>
    parts.note({ target: alert.subject, reason, alertId: alert.id })

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
