import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import type { z } from 'zod'
import { type Checked, checkValues, type Misfit } from './check.ts'
import { ConfigError, type ConfigProblem } from './config-error.ts'
import { type ConfigDocument, parseConfig } from './document.ts'
import { type Sections, type SettingShape, settingShapes } from './schema.ts'
import { isGroup, putAt, valueAt } from './tree.ts'

const MAX_BYTES = 1_048_576

/** A value that wins over the file, and what it came by. */
export interface Override {
  /** Path of the setting, such as `store.flowsDays`. */
  readonly setting: string
  readonly value: unknown
  readonly from: 'flag' | 'environment'
  /** As the person wrote it: `--config`, `GATEHOUSE_STORE_FLOWS_DAYS`. */
  readonly name: string
}

export interface ConfigOptions<Chosen extends Sections> {
  readonly path: string
  /** True when a person named the file: then it must be there. */
  readonly isRequired?: boolean
  /** What the file is to hold: read instead of it. */
  readonly text?: string
  readonly sections: Chosen
  readonly overrides?: readonly Override[]
}

/** Where a value comes from. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly file: string; readonly line: number }
  | { readonly from: 'flag' | 'environment'; readonly name: string }

/** A setting as it is in force. */
export interface EffectiveSetting extends Omit<SettingShape, 'path'> {
  /** Its path, such as `store.flowsDays`. */
  readonly setting: string
  readonly value: unknown
  readonly origin: Origin
}

export interface Config<Chosen extends Sections> {
  readonly path: string
  /** By section name. */
  readonly sections: { readonly [Name in keyof Chosen]: z.output<Chosen[Name]> }
  /** The same as one tree: `values.detectors['port-scan']`. */
  readonly values: Readonly<Record<string, unknown>>
  /** Every setting, in the order of the sections. */
  readonly settings: readonly EffectiveSetting[]
}

/**
 * Reads and checks the configuration. An absent file is all defaults. Throws a `ConfigError` that lists
 * everything that is wrong, each with its place and what to do.
 */
export function loadConfig<const Chosen extends Sections>(options: ConfigOptions<Chosen>): Config<Chosen> {
  const { path, sections, overrides = [] } = options
  const text = options.text ?? readConfigText(path, options.isRequired === true)
  const document = parseConfig(text ?? '', path)
  if (document.problems.length > 0) throw new ConfigError(document.problems)

  const checked = checkConfig(sections, document, path, overrides)
  return {
    path,
    sections: sectionsOf(sections, checked),
    values: checked,
    settings: settingShapes(sections).map(
      ({ path: keys, ...shape }): EffectiveSetting => ({
        ...shape,
        setting: keys.join('.'),
        value: valueAt(checked, keys),
        origin: originOf(keys, document, path, overrides),
      }),
    ),
  }
}

/** The settings of a document with the overrides upon it; throws a `ConfigError` for what does not fit. */
export function checkConfig(
  sections: Sections,
  document: ConfigDocument,
  path: string,
  overrides: readonly Override[] = [],
): Record<string, unknown> {
  const checked: Checked = checkValues(sections, overlay(document.values, overrides))
  if (checked.values) return checked.values
  throw new ConfigError(checked.misfits.map((misfit) => placed(misfit, document, path, overrides)))
}

/** The text of a file, or undefined when there is none and none is needed. */
export function readConfigText(path: string, isRequired: boolean): string | undefined {
  try {
    const fd = openSync(path, 'r')
    try {
      const size = fstatSync(fd).size
      if (size > MAX_BYTES) throw unreadable(path, `it is ${size} bytes long`, 'Is this the right file?')
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(fd))
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ENOENT' && !isRequired) return undefined
    const [reason, hint] = FILE_ERRORS[code] ?? [String(error), 'Look at the file and its folder.']
    throw unreadable(path, reason, hint, error)
  }
}

const FILE_ERRORS: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOENT: ['there is no such file', 'Give the path of an existing file, or leave the flag out.'],
  EACCES: ['this user may not read it', 'Run as the user that may (sudo), or change its mode.'],
  EISDIR: ['it is a folder', 'Give the path of a file.'],
  ERR_ENCODING_INVALID_ENCODED_DATA: ['it is not UTF-8 text', 'Save it as UTF-8.'],
}

const unreadable = (path: string, reason: string, hint: string, cause?: unknown): ConfigError =>
  new ConfigError([{ origin: path, message: `this cannot be read: ${reason}`, hint }], { cause })

function overlay(values: unknown, overrides: readonly Override[]): unknown {
  if (overrides.length === 0 || !isGroup(values)) return values
  const whole = structuredClone(values)
  for (const { setting, value } of overrides) putAt(whole, setting.split('.'), value)
  return whole
}

const overrideAt = (path: readonly PropertyKey[], overrides: readonly Override[]): Override | undefined =>
  overrides.findLast(({ setting }) => `${path.map(String).join('.')}.`.startsWith(`${setting}.`))

function placed(
  { path, isKey, message, hint }: Misfit,
  document: ConfigDocument,
  file: string,
  overrides: readonly Override[],
): ConfigProblem {
  const setting = path.length === 0 ? {} : { setting: path.map(String).join('.') }
  const override = overrideAt(path, overrides)
  if (override) return { origin: override.name, ...setting, message, hint }
  const place = isKey ? document.placeOfKey(path) : document.placeOf(path)
  return { origin: file, ...place, ...setting, message, hint }
}

function originOf(
  path: readonly string[],
  document: ConfigDocument,
  file: string,
  overrides: readonly Override[],
): Origin {
  const override = overrideAt(path, overrides)
  if (override) return { from: override.from, name: override.name }
  if (valueAt(document.values, path) === undefined) return { from: 'default' }
  return { from: 'file', file, line: document.placeOfKey(path).line }
}

function sectionsOf<Chosen extends Sections>(
  sections: Chosen,
  values: Record<string, unknown>,
): Config<Chosen>['sections'] {
  const byName = Object.keys(sections).map((name) => [name, valueAt(values, name.split('.'))])
  return Object.fromEntries(byName) as Config<Chosen>['sections']
}
