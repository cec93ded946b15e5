import type { IntelPort } from '#api/intel-port.ts'
import { type Actor, Refused } from '#api/port.ts'
import type { Feed, FeedOutcome } from '#contract/intel.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { Target } from '#model/address.ts'
import type { Decision } from '#model/decision.ts'
import type { Gate } from './gate.ts'
import { outcome } from './outcome.ts'
import type { SettingJournal } from './setting-journal.ts'

export interface FeedDecisions {
  readonly port: IntelPort
  undo(decision: Decision, actor: Actor): Promise<Outcome>
}

interface Standing {
  readonly isOn: boolean
  readonly action: Feed['action']
}

/** Puts each change of a threat list on record as a decision, with what it was before, and takes it back. */
export function withFeedDecisions(
  port: IntelPort,
  { note, journal }: { readonly note: Gate['note']; readonly journal: SettingJournal },
): FeedDecisions {
  async function record(
    { feed }: FeedOutcome,
    change: {
      readonly before?: Standing
      readonly reason: string
      readonly actor: string
      readonly undoes?: number
    },
  ): Promise<Decision> {
    const { before, ...about } = change
    const { decision, recorded } = note({ kind: 'feed', target: `list ${feed.id}` as Target, ...about })
    if (before) journal.keep([{ decisionId: decision.id, setting: feed.id, before }])
    await recorded
    return decision
  }

  async function change(id: string, to: Standing, by: { readonly actor: string; readonly undoes?: number }) {
    const { isOn, action } = port.feed(id)
    const before = { isOn, action }
    const done = await port.changeFeed(id, to, { name: by.actor })
    const reason = `${wordsOf(before)} → ${wordsOf(done.feed)}`
    const isSame = wordsOf(before) === wordsOf(done.feed)
    return { done, decision: isSame ? undefined : await record(done, { before, reason, ...by }) }
  }

  return {
    port: {
      ...port,
      changeFeed: async (id, { isOn, action }, { name }) => {
        const to = { isOn, action: action ?? port.feed(id).action }
        const { done, decision } = await change(id, to, { actor: name })
        return { ...done, ...(decision && { decisionId: decision.id }) }
      },
      async decideFeed(id, isAccepted, actor) {
        const done = await port.decideFeed(id, isAccepted, actor)
        const reason = `${isAccepted ? 'took' : 'threw away'} the version that waited`
        await record(done, { reason, actor: actor?.name ?? 'unknown' })
        return done
      },
    },
    async undo({ id, target }, { name }) {
      const list = target.slice('list '.length)
      const entry = journal.of(id)?.before as Standing | undefined
      if (!entry) {
        const why = `The version that ${list} had before is gone.`
        const hint = `Fetch it anew: gatehouse feeds update ${list}; or: gatehouse feeds off ${list}`
        throw new Refused(409, `Decision ${id} cannot be undone. ${why}`, hint)
      }
      const { done, decision } = await change(list, entry, { actor: name, undoes: id })
      return decision
        ? outcome(decision, done.sentence, 0)
        : { sentence: `${list} is ${wordsOf(entry)} already.`, closedConnections: 0 }
    },
  }
}

const wordsOf = ({ isOn, action }: Standing): string => (isOn ? `on, ${action}` : 'off')
