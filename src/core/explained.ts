import { Refused } from '#api/port.ts'
import type { Explained, ExplainedRequest } from '#contract/explained.ts'
import type { ExplainRequest, RuleExplanation } from '#contract/rules.ts'
import { type Ip, isRange } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { Decision } from '#model/decision.ts'
import type { Connection } from '#model/flow.ts'
import type { Store } from '#store/store.ts'

export interface ExplainedParts {
  readonly explain: (request: ExplainRequest) => RuleExplanation
  readonly live: { byId(id: number): Connection | undefined }
  readonly store: Pick<Store, 'flows' | 'alerts' | 'decisions' | 'decision'>
  readonly isOwn: (address: string) => boolean
}

const PAGE = 500
/** So far back a flow or an alert is looked for by its number. */
const MOST_PAGES = 40
const ICMP = [1, 58]
const ANY = { direction: 'inbound', protocol: 'tcp', state: 'new' } as const

/** Explains what was: by the packet that it was about, put to lists, blocks and rules as they are now. */
export function createExplained(parts: ExplainedParts): (request: ExplainedRequest) => Promise<Explained> {
  return async ({ of, id }) => {
    if (of === 'flow') return ofFlow(await flowOf(id, parts), parts)
    if (of === 'alert') return ofAlert(await alertOf(id, parts), parts)
    const decision = await parts.store.decision(id)
    if (!decision) throw new Refused(404, `There is no decision ${id}.`, 'List them: gatehouse decisions')
    return ofDecision(decision, parts)
  }
}

function ofFlow(connection: Connection, { explain }: ExplainedParts): Explained {
  const { id, source, target, targetPort, owner, name } = connection
  const whose = owner ? ` of ${owner.name}` : ''
  const called = name === undefined ? '' : ` (${name})`
  const explanation = explain(requestOf(connection))
  return {
    about: `Flow ${id}${whose}: ${source} to ${target}${called} port ${targetPort}, ${connection.direction}.`,
    explanation,
    flip: explanation.flip,
  }
}

function ofAlert(alert: Alert, { explain, isOwn }: ExplainedParts): Explained {
  const { id, detector, summary, because, response } = alert
  const about = `Alert ${id} of ${detector}: ${summary}. It spoke because ${because}. ${response}.`
  const flip = `It would not be told with another ${because.split(' = ')[0]}: gatehouse config set`
  const request = alert.evidence.samples.length > 0 ? sampleOf(alert, isOwn) : subjectOf(alert, isOwn)
  return { about, ...(request && { explanation: explain(request) }), flip }
}

/** A packet that was kept as proof. */
function sampleOf({ evidence }: Alert, isOwn: ExplainedParts['isOwn']): ExplainRequest | undefined {
  const sample = evidence.samples.at(-1)
  if (!sample) return undefined
  const { source, target } = sample
  const direction = isOwn(source) ? 'outbound' : isOwn(target) ? 'inbound' : 'forward'
  return { ...ANY, direction, source, target, ...portsOf(sample) }
}

/** Where no packet was kept: the first one that who did it would send. Nothing where that is not known. */
function subjectOf(
  { subject, victim, blame, evidence }: Alert,
  isOwn: ExplainedParts['isOwn'],
): ExplainRequest | undefined {
  if (blame !== undefined || isOwn(subject)) return undefined
  const [port] = evidence.ports ?? []
  const target = victim !== undefined && isOwn(victim) ? { target: victim } : {}
  return { ...ANY, source: subject, ...target, ...(port !== undefined && { targetPort: port }) }
}

async function ofDecision(decision: Decision, { explain, store, isOwn }: ExplainedParts): Promise<Explained> {
  const { id, kind, target, actor, reason, alertId } = decision
  const undone = (await store.decisions({ limit: PAGE })).items.find(({ undoes }) => undoes === id)
  const evidence = alertId === undefined ? '' : ` Its evidence is alert ${alertId}.`
  const over = undone ? ` Decision ${undone.id} of ${undone.actor} took it back.` : ''
  const about = `Decision ${id}: ${kind} ${target}, by ${actor}: ${reason}.${evidence}${over}`
  const flip = undone ? `Do it again: gatehouse undo ${undone.id}` : `Take it back: gatehouse undo ${id}`
  if (!/^[\da-f.:]+$/i.test(target) || isRange(target) || isOwn(target)) return { about, flip }
  return { about, explanation: explain({ ...ANY, source: target }), flip }
}

/** The packet that opened it. */
function requestOf(connection: Connection): ExplainRequest {
  const { direction, source, target, interfaceName, owner } = connection
  return {
    state: 'new',
    direction: direction === 'local' ? 'outbound' : direction,
    source,
    target,
    interface: interfaceName,
    ...portsOf(connection),
    ...(owner && direction !== 'inbound' && { uid: owner.uid }),
    ...(owner?.path.startsWith('/') && { program: owner.path }),
    ...(owner?.unit !== undefined && { unit: owner.unit }),
    ...(owner?.container && { container: owner.container.id }),
    ...(owner && { owner: owner.source }),
    ...(owner?.confidence !== undefined && { confidence: owner.confidence }),
  }
}

interface Ports {
  readonly protocol: number
  readonly sourcePort: number
  readonly targetPort: number
}

/** Of ICMP the type is kept where ports would be. */
const portsOf = ({
  protocol,
  sourcePort,
  targetPort,
}: Ports): Ports | { protocol: number; icmpType: number } =>
  ICMP.includes(protocol) ? { protocol, icmpType: sourcePort & 0xff } : { protocol, sourcePort, targetPort }

async function flowOf(id: number, { live, store }: ExplainedParts): Promise<Connection> {
  const found = live.byId(id) ?? (await among(id, (request) => store.flows(request)))
  if (found) return found
  throw new Refused(
    404,
    `There is no recent flow ${id}.`,
    'List them: gatehouse connections, gatehouse history',
  )
}

async function alertOf(id: number, { store }: ExplainedParts): Promise<Alert> {
  const found = await among(id, (request) => store.alerts(request))
  if (found) return found
  throw new Refused(404, `There is no recent alert ${id}.`, 'List them: gatehouse alerts')
}

type Pages<Item> = (request: {
  readonly limit: number
  readonly cursor?: string
}) => Promise<{ readonly items: readonly Item[]; readonly next?: string }>

async function among<Item extends { readonly id: number }>(
  id: number,
  pages: Pages<Item>,
): Promise<Item | undefined> {
  let cursor: string | undefined
  for (let read = 0; read < MOST_PAGES; read++) {
    const { items, next } = await pages({ limit: PAGE, ...(cursor !== undefined && { cursor }) })
    const found = items.find((item) => item.id === id)
    if (found || next === undefined) return found
    cursor = next
  }
  return undefined
}

/** By the addresses of this machine that are known. */
export const ownAmong =
  (entries: () => readonly { readonly source: string; readonly target: string }[]) =>
  (address: Ip | string): boolean =>
    entries().some(({ source, target }) => source === 'own' && target === address)
