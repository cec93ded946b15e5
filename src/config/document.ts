import type { Document } from 'yaml'
import { type Place, parsePlacedYaml } from '#lib/placed-yaml.ts'
import type { ConfigProblem } from './config-error.ts'

/** A configuration as it stands in a file: its values, and where each of them is. */
export interface ConfigDocument {
  readonly document: Document
  readonly values: unknown
  readonly problems: readonly ConfigProblem[]
  /** Line and column of the value at `path`, or of the nearest group around it. */
  placeOf(path: readonly PropertyKey[]): Place
  /** Line and column of the key itself. */
  placeOfKey(path: readonly PropertyKey[]): Place
}

/** Reads YAML (JSON is YAML too). Never throws: what is wrong is in `problems`. */
export function parseConfig(text: string, file: string): ConfigDocument {
  const { faults, ...parsed } = parsePlacedYaml(text)
  return { ...parsed, problems: faults.map((fault): ConfigProblem => ({ origin: file, ...fault })) }
}
