import type { Finding } from '#model/finding.ts'
import type { RespondSettings } from './settings.ts'

/** Who speaks when the response itself has something to say. */
const RESPONSE = 'response'

/** Says once that more strangers were to be blocked than the budget allows. It blames nobody, so nothing follows from it. */
export function overflowFinding(last: Finding, { blocksPerMinute }: RespondSettings): Finding {
  const { at, subject, victim = subject, technique } = last
  return {
    detector: RESPONSE,
    kind: 'too-many',
    severity: 'high',
    confidence: 0.8,
    at,
    subject: victim,
    victim,
    blame: 'nobody',
    summary: `Too many attackers at once, more than ${blocksPerMinute} in a minute: their addresses are probably forged`,
    key: `${RESPONSE} too-many`,
    technique,
    because: `respond.blocksPerMinute = ${blocksPerMinute}`,
    evidence: {
      firstAt: at,
      lastAt: at,
      count: blocksPerMinute,
      ratePerSecond: blocksPerMinute / 60,
      samples: [],
    },
    spoofable: true,
  }
}
