/** A domain as a rule names it: alone, or with all that is below it. */
export interface DomainPattern {
  /** In lower case, without a dot at its end, international letters in their ASCII form (RFC 5890). */
  readonly name: string
  readonly isWithBelow: boolean
}

/** Labels of letters, digits, - and _ (RFC 1035 §2.3.1; service names have the _), two of them at least. */
const DOMAIN = /^(?=.{3,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * `ads.example` is that name alone; `.ads.example` and `*.ads.example` are the name and all below it. Undefined for
 * what is no name of a domain, such as an address or a single word.
 */
export function parseDomain(text: string): DomainPattern | undefined {
  const isWithBelow = /^\*?\../.test(text)
  const name = asciiOf(isWithBelow ? text.replace(/^\*?\./, '') : text)
  return name !== undefined && DOMAIN.test(name) && !/\.\d+$/.test(name) ? { name, isWithBelow } : undefined
}

/** As DNS has it. Only what could be a host in a URL is asked of the URL parser: it knows IDNA. */
function asciiOf(text: string): string | undefined {
  const bare = text.replace(/\.$/, '').toLowerCase()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything beyond ASCII is meant.
  if (/^[\x00-\x7f]*$/.test(bare)) return bare
  if (/[\s/:@?#[\]\\%]/.test(bare)) return undefined
  return URL.canParse(`http://${bare}`) ? new URL(`http://${bare}`).hostname : undefined
}

/** `name` as in a NameReport. */
export const isOfDomain = (name: string, domain: DomainPattern): boolean =>
  name === domain.name || (domain.isWithBelow && isBelow(name, `.${domain.name}`))

/** A dot behind an odd number of `\\` is within a label (RFC 1035 §5.1), and parts nothing. */
function isBelow(name: string, end: string): boolean {
  if (!name.endsWith(end)) return false
  const [escapes = ''] = /\\*$/.exec(name.slice(0, -end.length)) ?? []
  return escapes.length % 2 === 0
}
