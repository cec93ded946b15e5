import { PROTOCOL } from '#model/packet.ts'
import { type Condition, RULE_DIRECTIONS, type Rule, type RuleBook, type RuleDirection } from '#model/rule.ts'
import { joinSpans, parseAddressSpan } from './address-spans.ts'

/** RFC 4861 §4: solicitation and advertisement of routers and neighbours. */
const NEIGHBOUR_TYPES = [133, 134, 135, 136]
/** RFC 2710, RFC 3810: without them a switch that snoops cuts neighbour discovery off. */
const LISTENER_TYPES = [130, 131, 132, 143]
/** RFC 4890 §4.3.1, §4.4.1: must not be dropped, or connections hang. */
const ERROR_TYPES = [1, 2, 3, 4]
const NEIGHBOUR_HOP_LIMIT = 255

const SERVER_PORT4 = 67
const CLIENT_PORT4 = 68
const CLIENT_PORT6 = 546
const SERVER_PORT6 = 547

const protocol = (number: number, text: string): Condition => ({
  kind: 'protocol',
  not: false,
  text,
  protocols: [number],
})

const port = (kind: 'sourcePort' | 'targetPort', number: number): Condition => ({
  kind,
  not: false,
  text: String(number),
  spans: [{ first: number, last: number }],
})

const icmpv6 = (types: readonly number[]): Condition => ({
  kind: 'icmpType',
  not: false,
  text: types.map((type) => `icmpv6/${type}`).join(', '),
  types: types.map((type) => ({ protocol: PROTOCOL.icmpv6, type })),
})

const network = (kind: 'source' | 'target', text: string): Condition => {
  const span = parseAddressSpan(text)
  return { kind, not: false, text, spans: joinSpans(span ? [span] : []), lists: [] }
}

const builtIn = (
  id: string,
  comment: string,
  directions: readonly RuleDirection[],
  conditions: readonly Condition[],
): Rule => ({
  number: 0,
  id,
  enabled: true,
  directions,
  conditions,
  action: { kind: 'allow' },
  comment,
  tags: ['built-in'],
})

const ESTABLISHED = builtIn(
  'established',
  'packets of connections that were let in, and errors about them',
  RULE_DIRECTIONS,
  [{ kind: 'state', not: false, text: 'established, related', states: ['established', 'related'] }],
)

const ESSENTIALS: readonly Rule[] = [
  builtIn(
    'loopback',
    'what programs of this machine say to each other',
    ['inbound', 'outbound'],
    [{ kind: 'interface', not: false, text: 'lo', names: ['lo'] }],
  ),
  builtIn(
    'neighbours',
    'IPv6 neighbour and router discovery (RFC 4861)',
    ['inbound', 'outbound'],
    [icmpv6(NEIGHBOUR_TYPES), { kind: 'hopLimit', not: false, text: '255', hopLimit: NEIGHBOUR_HOP_LIMIT }],
  ),
  builtIn(
    'listeners',
    'IPv6 multicast listeners (RFC 3810)',
    ['inbound', 'outbound'],
    [icmpv6(LISTENER_TYPES)],
  ),
  builtIn('icmpv6-errors', 'ICMPv6 errors that must not be dropped (RFC 4890)', RULE_DIRECTIONS, [
    icmpv6(ERROR_TYPES),
  ]),
  builtIn(
    'dhcp-in',
    'answers of DHCP servers',
    ['inbound'],
    [protocol(PROTOCOL.udp, 'udp'), port('sourcePort', SERVER_PORT4), port('targetPort', CLIENT_PORT4)],
  ),
  builtIn(
    'dhcp-out',
    'questions to DHCP servers',
    ['outbound'],
    [protocol(PROTOCOL.udp, 'udp'), port('sourcePort', CLIENT_PORT4), port('targetPort', SERVER_PORT4)],
  ),
  builtIn(
    'dhcpv6-in',
    'answers of DHCPv6 servers on the link (RFC 8415)',
    ['inbound'],
    [protocol(PROTOCOL.udp, 'udp'), network('source', 'fe80::/10'), port('targetPort', CLIENT_PORT6)],
  ),
  builtIn(
    'dhcpv6-out',
    'questions to DHCPv6 servers',
    ['outbound'],
    [protocol(PROTOCOL.udp, 'udp'), port('sourcePort', CLIENT_PORT6), port('targetPort', SERVER_PORT6)],
  ),
]

/** All rules in the order in which a packet meets them: our own first, so that a default deny breaks no machine. */
export const allRules = ({ established, essentials, rules }: RuleBook): readonly Rule[] => [
  ...(established === 'accept' ? [ESTABLISHED] : []),
  ...(essentials === 'accept' ? ESSENTIALS : []),
  ...rules,
]

/** The id under which packets count that no rule decides. */
export const defaultId = (direction: RuleDirection): string => `default-${direction}`
