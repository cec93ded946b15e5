import { type Actor, type Port, Refused } from '#api/port.ts'
import type { Outcome } from '#contract/schemas.ts'
import type { Enforcer } from '#enforce/enforcer.ts'
import type { Decision } from '#model/decision.ts'
import type { Store } from '#store/store.ts'
import type { Gate } from './gate.ts'
import { refusalToUndo } from './list-door.ts'
import { notBlocked, outcome } from './outcome.ts'
import { duration } from './present.ts'
import { demandPolicyOf } from './proof.ts'

type Undo = (decision: Decision, actor: Actor) => Promise<Outcome>

export interface UndoParts {
  readonly gate: Gate
  readonly store: Pick<Store, 'decision'>
  readonly enforcer: Pick<Enforcer, 'closeSockets'>
  readonly defaultBlockSeconds: () => number
  readonly now: () => number
  readonly proofMs?: number | undefined
  readonly allow: (...asked: [...Parameters<Port['allow']>, undoes: number]) => Promise<Outcome>
  readonly disallow: (...asked: [...Parameters<Port['disallow']>, undoes: number]) => Promise<Outcome>
  /** Each is absent where there is no such part now. */
  readonly watchdog?: { undo(decision: Decision, actor: string): Promise<Outcome> } | undefined
  readonly settings?: { undo: Undo } | undefined
  readonly undoRules?: Undo | undefined
  readonly undoFeed?: Undo | undefined
  readonly undoPort?: Undo | undefined
}

/** Does the inverse of a decision, as it stands now: an undone block is an unblock, and so on. */
export function createUndo(parts: UndoParts): Port['undo'] {
  const away = (why: string): Undo => {
    return async () => {
      throw new Refused(503, why, 'Start Gatehouse without --dry-run: gatehouse run')
    }
  }
  const { watchdog, settings } = parts
  const rules = parts.undoRules ?? away('Rules are not enforced here.')
  const feed = parts.undoFeed ?? away('There are no lists to change here.')
  const port = parts.undoPort ?? away('Nothing is enforced.')
  const watch: Undo = watchdog
    ? (decision, { name }) => watchdog.undo(decision, name)
    : away('Programs are not kept off the network now.')
  const block: Undo = (decision, actor) => undoBlock(decision, actor, parts)
  const unblock: Undo = (decision, actor) => undoUnblock(decision, actor, parts)
  const setting: Undo = settings
    ? (decision, actor) => settings.undo(decision, actor)
    : away('There are no settings to change here.')
  /** What holds from then on. */
  const policy = (inverse: Undo): Undo => {
    return async (decision, actor) => {
      demandPolicyOf(actor, parts)
      return inverse(decision, actor)
    }
  }
  const list: Undo = async (decision) => {
    throw refusalToUndo(decision)
  }
  const inverses: Readonly<Record<Decision['kind'], Undo>> = {
    ...{ block, limit: block, adopt: block, unblock, expire: unblock },
    allow: ({ id, target }, actor) => parts.disallow(target, actor, id),
    disallow: ({ id, target, reason }, actor) => parts.allow({ target, note: reason }, actor, id),
    ...{ watch, unwatch: watch, setting: policy(setting) },
    ...{ rules: policy(rules), rollback: policy(rules), trial: rules, lockdown: rules, pause: rules },
    ...{ feed: policy(feed), load: list, unload: list },
    ...{ 'close-port': port, 'open-port': port, shield: port, unshield: port },
    close: refused('What was closed stays closed.', 'The program may connect again by itself.'),
    spare: refused(
      'It changed nothing: the allow list won.',
      'Block another target, or see: gatehouse allow list',
    ),
    refuse: refused('It changed nothing: it was refused.', 'Block or unblock the address itself.'),
    playbook: refused(
      'A playbook is a list of steps, each a decision of its own.',
      'Undo those that follow or precede it: gatehouse decisions',
    ),
    repair: refused('What is ours was put back.', 'To be without it: gatehouse pause, or stop Gatehouse.'),
    account: refused('Who may sign in is changed where it was set.', 'See: gatehouse user, gatehouse token'),
  }
  return async (id, actor) => {
    const decision = await parts.store.decision(id)
    if (!decision) throw new Refused(404, `There is no decision ${id}.`, 'List them: gatehouse decisions')
    return inverses[decision.kind](decision, actor)
  }
}

function refused(why: string, hint: string): Undo {
  return async ({ id }) => {
    throw new Refused(409, `Decision ${id} cannot be undone. ${why}`, hint)
  }
}

async function undoBlock(decision: Decision, actor: Actor, { gate }: UndoParts): Promise<Outcome> {
  const by = { actor: actor.name, reason: `undid decision ${decision.id}`, undoes: decision.id }
  const answer = gate.unblock(decision.target, by)
  if (!answer) throw notBlocked(decision.target, gate)
  await answer.recorded
  return outcome(answer.decision, `${decision.target} is reachable again.`, 0)
}

async function undoUnblock(decision: Decision, actor: Actor, parts: UndoParts): Promise<Outcome> {
  const before = decision.undoes === undefined ? undefined : await parts.store.decision(decision.undoes)
  const seconds = before?.forSeconds ?? parts.defaultBlockSeconds()
  const isLimit = before?.kind === 'limit'
  const answer = parts.gate.block({
    target: decision.target,
    ...(seconds === 0 ? {} : { seconds }),
    ...(isLimit && { effect: 'limit' }),
    origin: 'person',
    actor: actor.name,
    reason: before?.reason ?? `undid decision ${decision.id}`,
    undoes: decision.id,
  })
  if (answer.state === 'spared')
    throw new Refused(
      409,
      `${decision.target} cannot be blocked: ${answer.by.note}.`,
      'See: gatehouse allow list',
    )
  await answer.recorded
  const closed = isLimit ? 0 : parts.enforcer.closeSockets(decision.target)
  const what = isLimit ? 'limited' : 'blocked'
  return outcome(answer.decision, `${decision.target} is ${what} again for ${duration(seconds)}.`, closed)
}
