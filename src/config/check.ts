import type { core } from 'zod'
import { nearestWord } from '#lib/nearest-word.ts'
import { shortened, visibleJson } from '#lib/visible-text.ts'
import type { ConfigProblem } from './config-error.ts'
import { knownKeys, type Sections, type SettingShape, settingShapes, wholeSchema } from './schema.ts'
import { isGroup, valueAt } from './tree.ts'

/** A problem without its place. */
export type Misfit = Pick<ConfigProblem, 'message' | 'hint'> & {
  readonly path: readonly PropertyKey[]
  /** True when the key is wrong, not its value. */
  readonly isKey: boolean
}

export type Checked =
  | { readonly values: Record<string, unknown>; readonly misfits: readonly [] }
  | { readonly values?: undefined; readonly misfits: readonly Misfit[] }

const MAX_SHOWN = 60

/** Holds values against the schemas: the settings with their defaults, or everything that does not fit. */
export function checkValues(sections: Sections, values: unknown): Checked {
  if (!isGroup(values)) {
    const message = `expected groups of settings, found ${found(values)}`
    return { misfits: [{ path: [], isKey: false, message, hint: sectionsHint(sections) }] }
  }
  const unknown = unknownKeys(sections, values, [])
  const answer = wholeSchema(sections).safeParse(values)
  if (answer.success && unknown.length === 0) return { values: answer.data, misfits: [] }

  const shapes = settingShapes(sections)
  const issues = answer.error?.issues ?? []
  const wrong = issues
    .filter((issue) => issue.code !== 'unrecognized_keys' || !isKnownUnknown(issue, unknown))
    .map((issue) => misfitOf(issue, values, shapes))
  return { misfits: [...unknown, ...wrong] }
}

/** Our own walk: schemas may drop unknown keys silently, and zod cannot tell which key was meant. */
function unknownKeys(sections: Sections, values: object, path: readonly string[]): Misfit[] {
  const known = knownKeys(sections, path)
  if (!known) return []
  return Object.entries(values).flatMap(([key, value]): Misfit[] => {
    const here = [...path, key]
    if (known.includes(key)) return isGroup(value) ? unknownKeys(sections, value, here) : []
    const meant = nearestWord(key, known) ?? elsewhere(sections, key)
    const hint = meant ? `Did you mean ${meant}?` : `Known here: ${known.join(', ')}.`
    return [{ path: here, isKey: true, message: 'there is no such setting', hint }]
  })
}

/** The right name in the wrong group: its whole path. */
const elsewhere = (sections: Sections, key: string): string | undefined =>
  settingShapes(sections)
    .find((shape) => shape.path.at(-1) === key)
    ?.path.join('.')

const isKnownUnknown = (issue: core.$ZodIssue, unknown: readonly Misfit[]): boolean =>
  issue.code === 'unrecognized_keys' &&
  issue.keys.every((key) => unknown.some(({ path }) => path.join('.') === [...issue.path, key].join('.')))

function misfitOf(issue: core.$ZodIssue, values: object, shapes: readonly SettingShape[]): Misfit {
  const { path } = issue
  const value = valueAt(values, path)
  const shape = shapes.find((one) => one.path.every((key, at) => path[at] === key))
  const own = ownWords(issue)
  const hint = hintFor(shape, value)
  // What a part says in its own words (refine, error) is better than what can be said of any value.
  if (own?.startsWith('expected'))
    return { path, isKey: false, message: `${own}, found ${found(value)}`, hint }
  if (own)
    return {
      path,
      isKey: false,
      message: `this does not fit: ${found(value)}`,
      hint: /[.?]$/.test(own) ? own : `${own}.`,
    }
  const expected = shape?.path.length === path.length ? `expected ${shape.expected}` : inWords(issue)
  return { path, isKey: false, message: `${expected}, found ${found(value)}`, hint }
}

/** The message that a schema brings along; zod's own begin with one of these words. */
const ownWords = (issue: core.$ZodIssue): string | undefined =>
  /^(Invalid|Too|Unrecognized) /.test(issue.message) ? undefined : issue.message.replace(/\.$/, '')

const inWords = (issue: core.$ZodIssue): string => {
  const said = issue.message.replace(/^Invalid (input|option|string): /, '').replace(/, received .*$/, '')
  return said.charAt(0).toLowerCase() + said.slice(1)
}

function hintFor(shape: SettingShape | undefined, value: unknown): string {
  const meant = typeof value === 'string' && shape?.choices ? nearestWord(value, shape.choices) : undefined
  if (meant) return `Did you mean ${meant}?`
  if (shape?.default === undefined) return 'Correct it, or remove the setting.'
  return `Correct it, or remove the setting: then it is ${visibleJson(shape.default)}.`
}

const sectionsHint = (sections: Sections): string =>
  `Write sections such as ${Object.keys(sections).slice(0, 3).join(', ')}, each with its settings below it.`

/** A value as a person sees it in the file: its kind and its text, cut short and harmless for a terminal. */
function found(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'an empty value'
  const text = shortened(visibleJson(value), MAX_SHOWN)
  if (Array.isArray(value)) return `the list ${text}`
  switch (typeof value) {
    case 'string':
      return `the text ${text}`
    case 'number':
    case 'bigint':
      return `the number ${text}`
    case 'object':
      return `the group ${text}`
    default:
      return text
  }
}
