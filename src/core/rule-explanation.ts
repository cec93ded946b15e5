import { Refused } from '#api/port.ts'
import type { ExplainRequest, RuleExplanation } from '#contract/rules.ts'
import { type Ip, parseIp, type Target } from '#model/address.ts'
import type { ProgramFacts } from '#model/program-question.ts'
import type { PacketFacts, RuleBook } from '#model/rule.ts'
import { explain } from '#policy/rules/explain.ts'
import { type AddressKnowledge, addressRemark } from './address-remarks.ts'
import { programAskedFor } from './program-facts.ts'

/** Blocks and the allow list: they come before the rules. */
export interface ExplainParts extends AddressKnowledge {
  readonly blockOf: (
    address: Ip,
  ) => { readonly target: Target; readonly reason: string; readonly flip?: string } | undefined
  readonly spares: (target: Target) => { readonly note: string } | undefined
  /** An address of this machine, of the family of `like`. */
  readonly ownAddress: (like: string) => Ip | undefined
  /** The link of the default route. */
  readonly link: () => string | undefined
  /** What rules by program know of a file. */
  readonly programAt: (path: string) => ProgramFacts
  readonly now: () => number
}

const PROTOCOLS = { tcp: 6, udp: 17, icmp: 1 } as const
const ICMPV6 = 58
const HAS_PORTS: readonly number[] = [PROTOCOLS.tcp, PROTOCOLS.udp, 33, 132, 136]
const USUAL_SOURCE_PORT = 50_000

/** What happens to a packet like that: blocks first, then rule by rule. Throws `Refused` when it is none. */
export function explained(book: RuleBook, request: ExplainRequest, parts: ExplainParts): RuleExplanation {
  const facts = factsOf(request, parts)
  const peer = facts.direction === 'outbound' ? facts.target : facts.source
  const block = parts.blockOf(peer)
  const { judgement, steps, flip } = explain(book, facts, (condition, asked) =>
    addressRemark(condition, asked, parts),
  )
  const spared = parts.spares(peer)
  const rest = {
    steps: steps.map((step) => ({ ...step })),
    ...(spared && { spared: spared.note }),
  }
  if (block) {
    return {
      ...rest,
      steps: [],
      action: 'deny',
      sentence: `${peer} is blocked (${block.target}: ${block.reason}). Blocks come before all rules.`,
      block: block.target,
      flip: block.flip ?? `gatehouse unblock ${block.target}`,
    }
  }
  const verb = {
    allow: 'is allowed',
    deny: 'is dropped',
    reject: 'is rejected',
    limit: 'is allowed within a limit',
  }
  return {
    ...rest,
    action: judgement.action,
    sentence: `This ${verb[judgement.action]}: ${judgement.because}.`,
    flip,
  }
}

function factsOf(request: ExplainRequest, parts: ExplainParts): PacketFacts {
  const { direction, state, icmpType } = request
  const { source, target } = endsOf(request, parts)
  const protocol = protocolOf(request, target)
  return {
    direction,
    protocol,
    source,
    target,
    sourceNames: parts.namesOf(source),
    targetNames: parts.namesOf(target),
    state,
    at: parts.now(),
    ...portsOf(request, protocol),
    ...(icmpType !== undefined && { icmpType }),
    ...placeOf(request, parts.link()),
    program: programAskedFor(request, parts.programAt),
  }
}

/** Our own end may be left out. */
function endsOf(
  { direction, source, target }: ExplainRequest,
  { ownAddress }: ExplainParts,
): { readonly source: Ip; readonly target: Ip } {
  const own = direction === 'forward' ? undefined : ownAddress(target ?? source ?? '')
  const from = addressOf(source) ?? (direction === 'outbound' ? own : undefined)
  const to = addressOf(target) ?? (direction === 'inbound' ? own : undefined)
  if (from && to) return { source: from, target: to }
  throw new Refused(400, 'Both ends of the packet must be known.', 'Give source and target, each an address.')
}

const portsOf = ({ sourcePort, targetPort }: ExplainRequest, protocol: number) =>
  HAS_PORTS.includes(protocol)
    ? { sourcePort: sourcePort ?? USUAL_SOURCE_PORT, targetPort: targetPort ?? 0 }
    : {}

function placeOf({ direction, interface: named, uid }: ExplainRequest, usual: string | undefined) {
  const link = named ?? usual
  if (direction === 'outbound') return { uid: uid ?? 0, ...(link !== undefined && { toInterface: link }) }
  return link === undefined ? {} : { fromInterface: link }
}

const protocolOf = ({ protocol }: ExplainRequest, target: Ip): number =>
  protocol === 'icmp' && target.includes(':')
    ? ICMPV6
    : typeof protocol === 'number'
      ? protocol
      : PROTOCOLS[protocol]

function addressOf(text: string | undefined): Ip | undefined {
  if (text === undefined) return undefined
  const address = parseIp(text)
  if (address) return address
  throw new Refused(
    400,
    `${JSON.stringify(text)} is no address.`,
    'Use one such as 203.0.113.9 or 2001:db8::9.',
  )
}
