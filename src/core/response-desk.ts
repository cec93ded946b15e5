import { Refused } from '#api/port.ts'
import type { ResponsePort } from '#api/response-port.ts'
import type { Enforcer } from '#enforce/enforcer.ts'
import type { Alert } from '#model/alert.ts'
import type { Store } from '#store/store.ts'
import type { AlertBook } from './alert-book.ts'
import type { AllowBook } from './allow-book.ts'
import { blastRadiusOf } from './blast-radius.ts'
import type { Gate } from './gate.ts'
import type { LiveConnections } from './live-connections.ts'
import { duration } from './present.ts'
import type { Suggestions } from './suggestions.ts'

export interface ResponseDeskParts {
  readonly gate: Gate
  readonly live: Pick<LiveConnections, 'all' | 'byPeer'>
  readonly allow: Pick<AllowBook, 'spares'>
  readonly alerts: AlertBook
  readonly store: Pick<Store, 'recordAlert'>
  readonly enforcer: Pick<Enforcer, 'closeSockets'>
  readonly suggestions: Suggestions
  /** How often a detector is to be right before it acts by itself. */
  readonly confirmations: () => number
  /** Tells the pages. */
  readonly told: (alert: Alert) => void
}

/** Answers what the API asks about blocks that are yet to be made. */
export function createResponseDesk(parts: ResponseDeskParts): ResponsePort {
  const { gate, alerts, allow, suggestions, confirmations } = parts
  return {
    blastRadius: (target) => blastRadiusOf(target, { live: parts.live, spares: allow.spares }),

    async acceptSuggestion(alertId, actor) {
      const alert = alerts.change(alertId, {})
      if (!alert)
        throw new Refused(404, `There is no recent alert ${alertId}.`, 'List them: gatehouse alerts')
      const { suggestion, detector } = alert
      if (!suggestion) {
        throw new Refused(409, `Alert ${alertId} suggests nothing.`, `See what was done: ${alert.response}`)
      }
      const { target, forSeconds } = suggestion
      const answer = gate.block({
        target,
        seconds: forSeconds,
        origin: 'person',
        actor: actor.name,
        reason: alert.summary,
        alertId,
      })
      if (answer.state === 'spared') {
        throw new Refused(409, `${target} cannot be blocked: ${answer.by.note}.`, 'See: gatehouse allow list')
      }
      const closedConnections = parts.enforcer.closeSockets(target)
      const { accepted } = suggestions.accepted(detector)
      const response = `Blocked for ${duration(forSeconds)}: ${actor.name} accepted the suggestion`
      const settled = alerts.change(alertId, { response, suggestion: undefined })
      if (settled) parts.told(settled)
      await Promise.all([answer.recorded, settled && parts.store.recordAlert(settled)])
      const trust = suggestions.isTrusted(detector)
        ? `${detector} blocks by itself from now on, until somebody takes one of its blocks back.`
        : `${accepted} of ${confirmations()} times that ${detector} is to be right before it blocks by itself.`
      return {
        decision: answer.decision,
        sentence: `${target} is blocked for ${duration(forSeconds)}. ${trust}`,
        closedConnections,
        undo: `/api/v1/decisions/${answer.decision.id}/undo`,
      }
    },
  }
}
