import type { Connection } from '../schemas.ts'
import { isInRange } from './address-range.ts'
import { type IsWord, isInSpan, type Search, type SearchKey, type Term, type Test } from './search.ts'
import { fitsText } from './text-pattern.ts'

/** What a search looks at: a connection as the contract shows it. */
export type Searched = Pick<
  Connection,
  | 'communityId'
  | 'protocol'
  | 'direction'
  | 'interfaceName'
  | 'source'
  | 'sourcePort'
  | 'target'
  | 'targetPort'
  | 'peer'
  | 'localPort'
  | 'state'
  | 'ended'
  | 'openedAt'
  | 'bytesForward'
  | 'bytesBackward'
  | 'handshakeMs'
  | 'owner'
  | 'name'
  | 'country'
  | 'asn'
  | 'asName'
  | 'verdict'
>

/** Says whether a connection is what the search asks for. */
export const matches = (search: Search, connection: Searched): boolean =>
  search.terms.every((term) => holds(term, connection))

function holds({ key, isNot, anyOf }: Term, connection: Searched): boolean {
  for (const test of anyOf) if (passes(key, test, connection)) return !isNot
  return isNot
}

function passes(key: Term['key'], test: Test, connection: Searched): boolean {
  switch (test.kind) {
    case 'text':
      return TEXTS[key as SearchKey]?.(connection).some((text) => fitsText(test.pattern, text)) === true
    case 'number':
      return NUMBERS[key as SearchKey]?.(connection).some((value) => isInSpan(value, test.span)) === true
    case 'address':
      return ADDRESSES[key as SearchKey]?.(connection).some((one) => isInRange(one, test.range)) === true
    case 'is':
      return IS[test.what](connection)
    case 'id':
      return connection.communityId === test.id
    case 'word':
      return isWordIn(test, connection)
  }
}

function isWordIn(test: Extract<Test, { kind: 'word' }>, connection: Searched): boolean {
  const { range, pattern } = test
  if (range && (isInRange(connection.source, range) || isInRange(connection.target, range))) return true
  const { owner, name } = connection
  return fitsText(pattern, owner?.name) || fitsText(pattern, owner?.path) || fitsText(pattern, name)
}

type Table<Value> = Partial<Record<SearchKey, (connection: Searched) => readonly Value[]>>
type MaybeText = string | undefined

const TEXTS: Table<MaybeText> = {
  app: ({ owner }) => [owner?.name, owner?.path],
  path: ({ owner }) => [owner?.path],
  user: ({ owner }) => (owner ? [owner.user, String(owner.uid)] : []),
  container: ({ owner }) => {
    const box = owner?.container
    return [box?.name, box?.id, box?.pod?.name]
  },
  unit: ({ owner }) => [owner?.unit],
  owner: ({ owner }) => [owner?.source],
  script: ({ owner }) => [owner?.script],
  proto: ({ protocol }) => [protocol],
  dir: ({ direction }) => [direction],
  iface: ({ interfaceName }) => [interfaceName],
  state: ({ state }) => [state],
  name: ({ name }) => [name],
  country: ({ country }) => [country],
  asn: ({ asName }) => [asName],
}

const NUMBERS: Table<number> = {
  pid: ({ owner }) => (owner ? [owner.pid] : []),
  uid: ({ owner }) => (owner ? [owner.uid] : []),
  confidence: ({ owner }) => (owner?.confidence === undefined ? [] : [owner.confidence]),
  port: ({ sourcePort, targetPort }) => [sourcePort, targetPort],
  lport: ({ localPort }) => [localPort],
  asn: ({ asn }) => (asn === undefined ? [] : [asn]),
  since: ({ openedAt }) => [openedAt],
  until: ({ openedAt }) => [openedAt],
  bytes: ({ bytesForward, bytesBackward }) => [bytesForward + bytesBackward],
  rtt: ({ handshakeMs }) => (handshakeMs === undefined ? [] : [handshakeMs]),
}

const ADDRESSES: Table<string> = {
  src: ({ source }) => [source],
  dst: ({ target }) => [target],
  peer: ({ peer }) => [peer],
}

const IS: Readonly<Record<IsWord, (connection: Searched) => boolean>> = {
  blocked: ({ verdict }) => verdict === 'blocked',
  allowed: ({ verdict }) => verdict === 'allowed',
  live: ({ ended }) => ended === undefined,
  ended: ({ ended }) => ended !== undefined,
  over: ({ ended }) => ended !== undefined,
  unknown: ({ owner }) => owner === undefined,
  inbound: ({ direction }) => direction === 'inbound',
  outbound: ({ direction }) => direction === 'outbound',
  local: ({ direction }) => direction === 'local',
  forward: ({ direction }) => direction === 'forward',
}
