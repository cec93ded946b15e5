import { visibleText } from '#lib/visible-text.ts'

/** Facts with their names, one a line; what is empty is left out. Safe for a terminal. */
export function factsText(facts: readonly (readonly [name: string, fact: string])[]): string {
  const known = facts.filter(([, fact]) => fact !== '')
  const width = Math.max(...known.map(([name]) => name.length)) + 2
  return known.map(([name, fact]) => `${name.padEnd(width)}${visibleText(fact)}\n`).join('')
}
