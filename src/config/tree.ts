/** Settings as nested groups, reached by the path of their keys. */
export type Group = Record<string, unknown>

export const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value at a path, lists by index; undefined where there is none. */
export const valueAt = (values: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    values,
  )

/** Puts a value at a path; groups on the way are made where they are missing. */
export function putAt(values: Group, path: readonly string[], value: unknown): void {
  const last = path.at(-1)
  if (last === undefined) return
  let group = values
  for (const key of path.slice(0, -1)) {
    const below = group[key]
    const next = isGroup(below) ? below : {}
    group[key] = next
    group = next
  }
  group[last] = value
}
