import { type Document, isMap } from 'yaml'
import { writeAtomically } from '#lib/atomic-file.ts'
import { nearestWord } from '#lib/nearest-word.ts'
import { yamlText } from '#lib/placed-yaml.ts'
import { ConfigError } from './config-error.ts'
import { parseConfig } from './document.ts'
import { checkConfig, readConfigText } from './load.ts'
import { type Sections, settingShapes } from './schema.ts'

/** Configurations are read by people of the machine's group of admins; there are no secrets in them. */
const NEW_FILE_MODE = 0o644

/** `value` absent: the setting is taken out of the file, so that the default holds. */
export interface SettingChange {
  readonly setting: string
  readonly value?: unknown
}

/**
 * The text of the file with settings changed, the rest of it kept, comments too. Throws a `ConfigError` when the file
 * or a value does not fit. Nothing is written.
 */
export function changedConfig(
  { path, sections }: { readonly path: string; readonly sections: Sections },
  changes: readonly SettingChange[],
): string {
  const before = readConfigText(path, false) ?? ''
  const parsed = parseConfig(before, path)
  if (parsed.problems.length > 0) throw new ConfigError(parsed.problems)
  checkConfig(sections, parsed, path)

  const { document } = parsed
  if (!isMap(document.contents)) document.contents = document.createNode({}) as typeof document.contents
  for (const { setting, value } of changes) {
    const keys = keysOf(sections, setting)
    if (value === undefined) remove(document, keys)
    else setValue(document, keys, value)
  }
  const text = path.endsWith('.json')
    ? `${JSON.stringify(document.toJS(), undefined, 2)}\n`
    : yamlText(document, before)

  checkConfig(sections, parseConfig(text, path), path)
  return text
}

function keysOf(sections: Sections, setting: string): readonly string[] {
  const settings = settingShapes(sections).map((shape) => shape.path.join('.'))
  const found = settingShapes(sections).find((shape) => shape.path.join('.') === setting)
  if (found) return found.path
  const meant = nearestWord(setting, settings)
  const hint = meant ? `Did you mean ${meant}?` : 'gatehouse config get lists all settings.'
  throw new ConfigError([{ origin: setting, message: 'there is no such setting', hint }])
}

/** A section that is an empty line in the file (`store:`) becomes a group first. */
function setValue(document: Document, keys: readonly string[], value: unknown): void {
  for (let depth = 1; depth < keys.length; depth++) {
    const group = keys.slice(0, depth)
    if (!isMap(document.getIn(group))) document.setIn(group, document.createNode({}))
  }
  document.setIn(keys, value)
}

/** Groups that are empty then go too, unless somebody commented on them. */
function remove(document: Document, keys: readonly string[]): void {
  if (document.hasIn(keys)) document.deleteIn(keys)
  for (let depth = keys.length - 1; depth > 0; depth--) {
    const group = document.getIn(keys.slice(0, depth))
    if (!isMap(group) || group.items.length > 0 || group.comment || group.commentBefore) return
    document.deleteIn(keys.slice(0, depth))
  }
}

/** Replaces the file at once. Throws a `ConfigError`, and leaves it as it is, when it cannot be written. */
export function writeConfig(path: string, text: string): void {
  try {
    writeAtomically(path, text, NEW_FILE_MODE)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `this cannot be written: ${reason}`
    throw new ConfigError(
      [
        {
          origin: path,
          message,
          hint: 'The old settings stay in force. Look at the folder, its rights and its room.',
        },
      ],
      { cause: error },
    )
  }
}
