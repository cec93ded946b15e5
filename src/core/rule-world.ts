import { lookUpUser } from '#kernel/privilege.ts'
import type { PlaceSpans } from '#model/place.ts'
import type { AddressSpans } from '#model/rule.ts'
import type { RuleWorld } from '#policy/rules/rule-reader.ts'
import { readListText } from './rule-files.ts'
import type { RulePrograms } from './rule-programs.ts'

/** What rules lean on, of this machine. */
export interface OwnRuleWorld extends RuleWorld {
  /** From now on a rule that needs what is not there is refused. */
  started(): void
}

/**
 * Rules that were good once are in force at the start also where the data about places is gone since: all of them but
 * those by country and network, which match nothing then. Likewise those by program where the kernel cannot tell
 * programs apart any more.
 */
export function createRuleWorld(
  spans: PlaceSpans | undefined,
  say: (text: string) => void,
  programs?: RulePrograms['world'],
): OwnRuleWorld {
  let places = spans ?? nowhere(say)
  let isStarted = false
  return {
    uidOf: (name) => lookUpUser(name)?.uid,
    listText: readListText,
    get places() {
      return places
    },
    ...programs,
    whyNoPrograms: () => (isStarted ? programs?.whyNoPrograms() : undefined),
    started() {
      places = spans
      isStarted = true
    },
  }
}

const NOTHING: AddressSpans = { v4: new Uint32Array(), v6: [] }

function nowhere(say: (text: string) => void): PlaceSpans | undefined {
  let isTold = false
  const tell = (): AddressSpans => {
    if (!isTold)
      say('Rules by country or network match nothing: there is no data about them. Run: npm run places')
    isTold = true
    return NOTHING
  }
  return { countries: [], country: tell, network: tell, withCountry: NOTHING, withNetwork: NOTHING }
}
