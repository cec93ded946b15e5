import type { ExplainRequest } from '#contract/rules.ts'
import type { Owner } from '#model/owner.ts'
import type { ProgramFacts } from '#model/program-question.ts'

/**
 * What was recorded of a program, as rules ask: neither hash nor package, and of its units the innermost alone.
 * Undefined where nobody knows whose a connection was.
 */
export function programFactsOf(owner: Owner | undefined): ProgramFacts | undefined {
  if (!owner || owner.source === 'kernel') return undefined
  const { path, unit, container, source, confidence } = owner
  return {
    known: { source, ...(confidence !== undefined && { confidence }) },
    ...(path.startsWith('/') && { paths: [path] }),
    units: unit === undefined ? [] : [unit],
    containers: container ? [container.id, ...(container.name === undefined ? [] : [container.name])] : [],
  }
}

/** What somebody asks about; undefined where he names no program. `factsAt`: what lies at a path. */
export function programAskedFor(
  { program, unit, container, owner, confidence }: ExplainRequest,
  factsAt: (path: string) => ProgramFacts,
): ProgramFacts | undefined {
  if (program === undefined && unit === undefined && container === undefined) return undefined
  return {
    ...(program !== undefined && factsAt(program)),
    ...(owner !== undefined && {
      known: { source: owner, ...(confidence !== undefined && { confidence }) },
    }),
    units: unit === undefined ? [] : [unit, `${unit}.service`],
    containers: container === undefined ? [] : [container],
  }
}
