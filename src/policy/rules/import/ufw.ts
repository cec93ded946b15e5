import type { RuleDirection, RulePolicy } from '#model/rule.ts'
import { parseAddressSpan } from '../address-spans.ts'
import { SERVICES } from '../words.ts'
import type { Imported, ImportedLine, WrittenRule } from './foreign.ts'

const ACTIONS: Readonly<Record<string, string>> = {
  allow: 'allow',
  deny: 'deny',
  reject: 'reject',
  limit: 'limit',
}
const DIRECTIONS: Readonly<Record<string, RuleDirection>> = { in: 'inbound', out: 'outbound', fwd: 'forward' }
const POLICIES: Readonly<Record<string, RulePolicy>> = {
  allow: 'allow',
  deny: 'deny',
  reject: 'reject',
  disabled: 'deny',
}
const DEFAULT_WORDS: Readonly<Record<string, RuleDirection>> = {
  incoming: 'inbound',
  outgoing: 'outbound',
  routed: 'forward',
}

class Misfit extends Error {}

/** Reads /etc/ufw/user.rules (or user6.rules), or what `ufw status` printed, `numbered` or `verbose` too. */
export function importUfw(text: string): Imported {
  const defaults: Partial<Record<RuleDirection, RulePolicy>> = {}
  const rules: WrittenRule[] = []
  const known = new Map<string, number>()
  const wordsIn = text.includes('### tuple ###') ? tupleWords : statusWords
  const lines = text.split('\n').flatMap((raw, at): ImportedLine[] => {
    if (raw.startsWith('Default:')) Object.assign(defaults, defaultsIn(raw))
    const rule = ruleIn(wordsIn(raw))
    if (rule === undefined) return []
    const said = { line: at + 1, text: raw.trim() }
    if (rule instanceof Misfit) return [{ ...said, outcome: 'skipped', note: rule.message }]
    const key = JSON.stringify({ ...rule, comment: undefined })
    const same = known.get(key)
    if (same === undefined) known.set(key, rules.push(rule))
    // ufw has one rule for each family; ours are for both where they name no address.
    return [{ ...said, outcome: 'mapped', ...(same !== undefined && { note: `the same as rule ${same}` }) }]
  })
  return { defaults, lists: {}, rules, lines }
}

function ruleIn(words: Words | undefined): WrittenRule | Misfit | undefined {
  try {
    return words?.()
  } catch (error) {
    if (error instanceof Misfit) return error
    throw error
  }
}

/** `Default: deny (incoming), allow (outgoing), disabled (routed)`. */
function defaultsIn(line: string): Partial<Record<RuleDirection, RulePolicy>> {
  const found = [...line.matchAll(/(\w+) \((\w+)\)/g)].flatMap(([, policy = '', where = '']) => {
    const [direction, meant] = [DEFAULT_WORDS[where], POLICIES[policy]]
    return direction && meant ? [[direction, meant] as const] : []
  })
  return Object.fromEntries(found)
}

type Words = () => WrittenRule

interface End {
  readonly address?: string | undefined
  readonly ports?: string | undefined
}

interface Said {
  readonly action: string
  readonly direction: RuleDirection
  readonly protocol?: string | undefined
  readonly to: End
  readonly from: End
  readonly inLink?: string | undefined
  readonly outLink?: string | undefined
  readonly comment?: string | undefined
}

function ruleOf({ action, direction, protocol, to, from, inLink, outLink, comment }: Said): WrittenRule {
  const kind = ACTIONS[action.toLowerCase().replace(/_log(-all)?$/, '')]
  if (!kind) throw new Misfit(`${action} is no action of ufw`)
  const link = direction === 'outbound' ? outLink : inLink
  const entries: readonly (readonly [string, unknown])[] = [
    ['action', kind],
    ['direction', direction],
    ['protocol', protocol === 'any' || protocol === undefined ? undefined : protocol],
    ['from', addressOf(from.address)],
    ['to', addressOf(to.address)],
    ['port', portsOf(to.ports)],
    ['sourcePort', portsOf(from.ports)],
    ['interface', link],
    ['toInterface', direction === 'forward' ? outLink : undefined],
    ['comment', comment === undefined || comment === '' ? undefined : comment.slice(0, 200)],
  ]
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

function addressOf(text: string | undefined): string | undefined {
  if (text === undefined || ['anywhere', 'any', '0.0.0.0/0', '::/0'].includes(text.toLowerCase()))
    return undefined
  if (parseAddressSpan(text) === undefined) throw new Misfit(`${text} is no address`)
  return text
}

function portsOf(text: string | undefined): unknown {
  if (text === undefined || text === 'any') return undefined
  const spans = text.split(',').map((part) => {
    const port = part.replace(':', '-')
    if (/^\d+$/.test(port)) return Number(port)
    if (/^\d+-\d+$/.test(port) || SERVICES[port.toLowerCase()]) return port.toLowerCase()
    throw new Misfit(`the application profile ${part} is known to ufw alone: write its ports`)
  })
  return spans.length === 1 ? spans[0] : spans
}

/** `### tuple ### [route:]ACTION PROTOCOL PORT TO SOURCE-PORT FROM [TO-APP FROM-APP] in_eth0 [comment=HEX]`. */
function tupleWords(raw: string): Words | undefined {
  const [, body] = /^### tuple ### (.+)$/.exec(raw.trim()) ?? []
  if (body === undefined) return undefined
  const comment = /\scomment=([0-9a-f]*)$/.exec(body)?.[1]
  const words = body.replace(/\scomment=[0-9a-f]*$/, '').split(/\s+/)
  return () => {
    const [verb = '', protocol, ports, to, sourcePorts, from] = words
    const where = words.at(-1) ?? ''
    const isRouted = verb.startsWith('route:')
    const links = Object.fromEntries(where.split('!').map((part) => part.split('_')))
    const direction = isRouted ? 'forward' : DIRECTIONS[/^(in|out)/.exec(where)?.[0] ?? '']
    if (!direction) throw new Misfit(`${where} is no direction of ufw`)
    return ruleOf({
      action: verb.replace('route:', ''),
      direction,
      protocol,
      to: { address: to, ports },
      from: { address: from, ports: sourcePorts },
      inLink: links['in'],
      outLink: links['out'],
      comment: comment === undefined ? undefined : textOfHex(comment),
    })
  }
}

/** Without Buffer: this part knows no Node. */
const textOfHex = (hex: string): string =>
  new TextDecoder().decode(Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)))

const STATUS_LINE =
  /^(?:\[\s*\d+\]\s*)?(\S.*?)\s{2,}(ALLOW|DENY|REJECT|LIMIT)(?: (IN|OUT|FWD))?\s{2,}(\S.*?)(?:\s{2,}#\s*(.*))?$/

/** `[ 1] 22/tcp on eth0   ALLOW IN   192.0.2.0/24   # comment`. */
function statusWords(raw: string): Words | undefined {
  const [, to = '', action = '', way = 'IN', from = '', comment] =
    STATUS_LINE.exec(raw.replace(/\s+\((?:out|log|log-all|log, out)\)\s*(?=#|$)/, '').trimEnd()) ?? []
  if (action === '') return undefined
  return () => {
    const [target, source] = [endIn(to), endIn(from)]
    const protocol = target.protocol ?? source.protocol
    return ruleOf({
      action,
      direction: DIRECTIONS[way.toLowerCase()] ?? 'inbound',
      protocol,
      to: target,
      from: source,
      ...linksOf(way, target.link, source.link),
      comment,
    })
  }
}

/** `on eth0` stands at the end where the packet is seen: on its way in with the target, forwarded with either. */
function linksOf(
  way: string,
  to: string | undefined,
  from: string | undefined,
): Pick<Said, 'inLink' | 'outLink'> {
  if (way === 'OUT') return { outLink: to ?? from }
  return way === 'FWD' ? { inLink: from, outLink: to } : { inLink: to ?? from }
}

/** `Anywhere (v6)`, `192.0.2.1 22/tcp on eth0`, `80,443/tcp`, `192.0.2.0/24`. */
function endIn(
  text: string,
): End & { readonly protocol?: string | undefined; readonly link?: string | undefined } {
  const [, body = '', link] = /^(.*?)(?: on (\S+))?$/.exec(text.replace(/ \(v6\)/, '').trim()) ?? []
  const words = body.split(/\s+/)
  const first = words[0] ?? ''
  const isAddress = first.toLowerCase() === 'anywhere' || parseAddressSpan(first) !== undefined
  const rest = (isAddress ? words.slice(1) : words).join(' ')
  const [ports, protocol] = rest.split('/')
  return { address: isAddress ? first : undefined, ports: ports || undefined, protocol, link }
}
