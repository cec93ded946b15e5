import { visibleJson } from '#lib/visible-text.ts'
import type { Ip } from '#model/address.ts'
import type { Place } from '#model/place.ts'
import { reputationOver } from '#model/reputation-name.ts'
import type { Condition, PacketFacts } from '#model/rule.ts'
import { endOf } from '#policy/rules/rule-end.ts'

export interface AddressKnowledge {
  readonly placeOf: (address: Ip) => Place
  /** Names that DNS answered with the address. */
  readonly namesOf: (address: Ip) => readonly string[]
}

const MAX_NAMES = 6

/** What is known of the address that a condition asks about: `203.0.113.9 is in DE`. */
export function addressRemark(
  condition: Condition,
  facts: PacketFacts,
  { placeOf, namesOf }: AddressKnowledge,
): string | undefined {
  if (!('end' in condition)) return undefined
  const address = facts[endOf(condition.end, facts.direction)]
  const { country, asn } = placeOf(address)
  switch (condition.kind) {
    case 'country':
      return country ? `${address} is in ${country.code}` : `no country is known for ${address}`
    case 'asn':
      return asn ? `${address} is in AS${asn.number}` : `no network is known for ${address}`
    case 'domain':
      return asksReputation(condition)
        ? reputationRemark(address, namesOf(address))
        : namesRemark(address, namesOf(address))
  }
}

const asksReputation = ({ domains }: Extract<Condition, { kind: 'domain' }>): boolean =>
  domains.some(({ name }) => reputationOver(name) !== undefined)

function reputationRemark(address: Ip, names: readonly string[]): string {
  const over = Math.max(0, ...names.map((name) => reputationOver(name) ?? 0))
  return over === 0
    ? `no bad reputation of ${address} is known`
    : `the reputation of ${address} is over ${over}`
}

/** All of them: an address that several names share is turned away for the sake of one. */
function namesRemark(address: Ip, all: readonly string[]): string {
  const names = all.filter((name) => reputationOver(name) === undefined)
  if (names.length === 0) return `nobody was seen to ask DNS for a name of ${address}`
  const shown = names.slice(-MAX_NAMES).map((name) => (PLAIN.test(name) ? name : visibleJson(name)))
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more names` : ''
  return `${address} is ${shown.join(', ')}${more}`
}

const PLAIN = /^[\w.-]+$/
