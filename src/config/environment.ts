import { parse } from 'yaml'
import type { Override } from './load.ts'
import { type Sections, settingShapes } from './schema.ts'

/** The variable that sets a setting: `store.flowsDays` is GATEHOUSE_STORE_FLOWS_DAYS. */
export const variableOf = (path: readonly string[]): string =>
  `GATEHOUSE_${path.join('_')}`
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]/g, '_')
    .toUpperCase()

/** Settings chosen by environment variables; values are written as in the file. */
export function environmentOverrides(
  sections: Sections,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Override[] {
  return settingShapes(sections).flatMap(({ path }): Override[] => {
    const name = variableOf(path)
    const text = environment[name]
    if (text === undefined) return []
    return [{ setting: path.join('.'), value: scalar(text), from: 'environment', name }]
  })
}

/** What is no YAML is a text: the check says what was expected. */
function scalar(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return text
  }
}
