import { type DomainPattern, parseDomain } from '#model/domain.ts'
import type { RuleEnd } from '#model/rule.ts'
import { complete, type Read, type Word } from './condition-words.ts'
import type { RuleReader } from './rule-reader.ts'

/** What an address was looked up as: that of the other end, or of the end that the key names. */
export const DOMAIN_READERS: Readonly<Record<string, Read>> = {
  domain: domains('peer'),
  fromDomain: domains('source'),
  toDomain: domains('target'),
}

function domains(end: RuleEnd): Read {
  return (reader, words) =>
    complete(
      words,
      (word) => domainOf(reader, word),
      (patterns) => ({ kind: 'domain', end, domains: patterns }),
    )
}

function domainOf(reader: RuleReader, { value, path }: Word): DomainPattern | undefined {
  const domain = parseDomain(String(value))
  if (domain) return domain
  const text = String(value)
  const hint = /^https?:|\//.test(text)
    ? 'Write the name alone, without https:// and path.'
    : /\*/.test(text)
      ? 'A star stands only at the beginning: *.ads.example is ads.example and all below it.'
      : 'Write ads.example for that name alone, .ads.example for it and all below it.'
  return reader.unexpected(path, 'the name of a domain', value, hint)
}
