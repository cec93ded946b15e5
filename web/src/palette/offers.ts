/** Something that the palette leads to, or does. */
export interface Offer {
  readonly group: OfferGroup
  /** As it is shown; what comes from outside is made visible there, not here. */
  readonly title: string
  readonly icon: string
  /** Beside the title: what it is. */
  readonly hint?: string | undefined
  /** Beside the title: the keys that do the same. */
  readonly caps?: readonly string[]
  /** In monospace: an address. */
  readonly isAddress?: boolean
  /** Found by these words, too. */
  readonly words?: string
  run(): void
}

export const OFFER_GROUPS = ['go', 'act', 'programs', 'hosts', 'alerts', 'blocks', 'search'] as const
export type OfferGroup = (typeof OFFER_GROUPS)[number]

/** Of each group, where more would fit: what is typed on finds the others. */
const MOST_OF_GROUP = 5

/** Groups that stand whole where nothing is typed; the others would be a sample at random. */
const WHOLE: ReadonlySet<OfferGroup> = new Set(['go', 'act'])

const LETTER = /[\p{L}\p{N}]/u

/** 0: starts with it; 1: a word does; 2: holds it; undefined: does not. */
function rankOf(text: string, wanted: string): number | undefined {
  const from = text.toLowerCase()
  let at = from.indexOf(wanted)
  if (at <= 0) return at === 0 ? 0 : undefined
  while (at > 0) {
    if (!LETTER.test(from.charAt(at - 1))) return 1
    at = from.indexOf(wanted, at + 1)
  }
  return 2
}

/** What fits what is typed, best first within each group; each word must be found. */
export function fitting(offers: readonly Offer[], typed: string): Offer[] {
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const found = offers.flatMap((offer) => {
    const ranks = wanted.map((word) => rankOf(`${offer.title} ${offer.words ?? ''}`, word))
    if (offer.group !== 'search' && ranks.includes(undefined)) return []
    return [{ offer, rank: Math.max(0, ...ranks.map((rank) => rank ?? 0)) }]
  })
  return OFFER_GROUPS.flatMap((group) => {
    const of = found.filter(({ offer }) => offer.group === group)
    if (wanted.length === 0 && !WHOLE.has(group)) return []
    const most = wanted.length === 0 ? of.length : MOST_OF_GROUP
    return of
      .sort((a, b) => a.rank - b.rank)
      .slice(0, most)
      .map(({ offer }) => offer)
  })
}

/** An address or range, as somebody types it: what can be looked up as one. */
export const isAddress = (typed: string): boolean =>
  /^(\d{1,3}(\.\d{1,3}){3}|(?=.*:)[\da-f:]*:[\da-f:.]*)(\/\d{1,3})?$/i.test(typed.trim())
