import { type Actor, ProofNeeded, Refused } from '#api/port.ts'

/**
 * Who takes back what holds from then on (rules, settings) has to be an admin who proved lately who it is, as for doing
 * it: the API cannot know by the number of a decision.
 */
export function demandPolicyOf(
  { role, name, provenAt }: Actor,
  {
    now,
    proofMs = Number.POSITIVE_INFINITY,
  }: { readonly now: () => number; readonly proofMs?: number | undefined },
): void {
  if (role !== 'admin')
    throw new Refused(403, `${name} has the role ${role}, this needs admin.`, 'Ask an admin to take it back.')
  if (provenAt !== undefined && now() - provenAt >= proofMs) throw new ProofNeeded()
}
