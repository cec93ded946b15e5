import { type ZodType, z } from 'zod'
import { type Group, putAt } from './tree.ts'

/** Section name → schema. A name with dots lies deeper: `detectors.port-scan`. */
export type Sections = Readonly<Record<string, ZodType>>

/** What a schema says of itself, as JSON schema names it (the part of it that settings use). */
interface Shape {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: boolean | Shape
  /** `.meta({ secret: true })`: it can be set, but is never shown. */
  readonly secret?: boolean
}

/** How a value is written: one control of a form each. `yaml` is whatever needs the text of the file. */
export type SettingKind = 'switch' | 'choice' | 'number' | 'text' | 'list' | 'yaml'

/** A setting, or a group of them, as documentation and checks see it. */
export interface SettingShape {
  /** Path of keys from the top. */
  readonly path: readonly string[]
  readonly description: string
  /** In words: "a whole number from 1 to 3650". */
  readonly expected: string
  readonly default: unknown
  /** The choices, where there are few. */
  readonly choices?: readonly string[]
  readonly kind: SettingKind
  readonly minimum?: number
  readonly maximum?: number
  readonly isSecret: boolean
}

/** All sections as one schema. Absent sections and groups have their defaults. */
export function wholeSchema(sections: Sections): ZodType<Record<string, unknown>> {
  const tree: Group = {}
  for (const [name, schema] of Object.entries(sections)) putAt(tree, name.split('.'), schema)
  return groupSchema(tree)
}

function groupSchema(group: Group): ZodType<Record<string, unknown>> {
  const shape = Object.entries(group).map(([key, node]): [string, ZodType] => {
    const schema = node instanceof z.ZodType ? node : groupSchema(node as Group)
    const isObject = !(node instanceof z.ZodType) || shapeOf(node).properties !== undefined
    // An empty line `store:` is null in YAML: nothing chosen, so the defaults.
    return [key, z.preprocess((value) => value ?? (isObject ? {} : undefined), schema)]
  })
  return z.strictObject(Object.fromEntries(shape))
}

const shapeOf = (schema: ZodType): Shape =>
  z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as unknown as Shape

/** Every setting of the sections, in their order; a group is named by its settings. */
export function settingShapes(sections: Sections): readonly SettingShape[] {
  return Object.entries(sections).flatMap(([name, schema]) => shapesBelow(shapeOf(schema), name.split('.')))
}

function shapesBelow(shape: Shape, path: readonly string[]): readonly SettingShape[] {
  if (shape.properties) {
    return Object.entries(shape.properties).flatMap(([key, below]) => shapesBelow(below, [...path, key]))
  }
  const choices = shape.enum?.map(String)
  return [
    {
      path,
      description: shape.description ?? '',
      expected: expectedOf(shape),
      default: shape.default,
      kind: kindOf(shape),
      isSecret: shape.secret === true,
      ...(choices && { choices }),
      ...boundsOf(shape),
    },
  ]
}

function kindOf(shape: Shape): SettingKind {
  if (shape.enum) return 'choice'
  if (isText(shape)) return 'text'
  if (shape.type === 'boolean') return 'switch'
  if (shape.type === 'integer' || shape.type === 'number') return 'number'
  const isList = shape.type === 'array' && shape.items !== undefined && isText(shape.items)
  return isList ? 'list' : 'yaml'
}

const isText = (shape: Shape): boolean =>
  shape.type === 'string' || typeof shape.const === 'string' || shape.anyOf?.every(isText) === true

function boundsOf(shape: Shape): Pick<SettingShape, 'minimum' | 'maximum'> {
  const [minimum, maximum] = [bound(shape.minimum), bound(shape.maximum)]
  return { ...(minimum !== undefined && { minimum }), ...(maximum !== undefined && { maximum }) }
}

/** The keys that a group at `path` may have; absent where any key may stand, or where there is no group. */
export function knownKeys(sections: Sections, path: readonly string[]): readonly string[] | undefined {
  const shapes = settingShapes(sections)
  const below = shapes.filter(
    (shape) => shape.path.length > path.length && path.every((key, at) => shape.path[at] === key),
  )
  const keys = [...new Set(below.map((shape) => shape.path[path.length] as string))]
  return keys.length === 0 ? undefined : keys
}

function expectedOf(shape: Shape): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.enum) return `one of ${shape.enum.map(String).join(', ')}`
  if (shape.anyOf) return shape.anyOf.map(expectedOf).join(' or ')
  switch (shape.type) {
    case 'integer':
      return `a whole number${rangeOf(shape)}`
    case 'number':
      return `a number${rangeOf(shape)}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return FORMATS[shape.format ?? ''] ?? 'a text'
    case 'array':
      return shape.items ? `a list, each ${expectedOf(shape.items)}` : 'a list'
    case 'object':
      return 'a group of settings'
    default:
      return 'another value'
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  uri: 'a web address',
}

function rangeOf(shape: Shape): string {
  const low = bound(shape.minimum ?? shape.exclusiveMinimum)
  const high = bound(shape.maximum ?? shape.exclusiveMaximum)
  const above = shape.exclusiveMinimum === undefined ? 'from' : 'above'
  const below = shape.exclusiveMaximum === undefined ? 'to' : 'below'
  if (low === undefined) return high === undefined ? '' : ` up to ${high}`
  return high === undefined ? ` ${above} ${low}` : ` ${above} ${low} ${below} ${high}`
}

/** zod says of each whole number that it is one a double can hold: nobody needs to be told. */
const bound = (limit: number | undefined): number | undefined =>
  limit !== undefined && Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? undefined : limit
