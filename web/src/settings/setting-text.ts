import type { Setting, SettingsChange } from '../../../src/contract/settings.ts'

type Change = SettingsChange['changes'][number]
type Shape = Pick<Setting, 'setting' | 'kind' | 'default'>

/** A value as its control holds it: lists one entry a line, what has no control of its own as JSON. */
export function controlText({ kind }: Pick<Setting, 'kind'>, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (kind === 'list' && Array.isArray(value)) return value.map(String).join('\n')
  if (Array.isArray(value) && value.every(isPlain))
    return `[${value.map((one) => JSON.stringify(one)).join(', ')}]`
  return isPlain(value) ? String(value) : JSON.stringify(value, undefined, 2)
}

const isPlain = (value: unknown): boolean => typeof value !== 'object' || value === null

/** What a control holds, as the API takes it. An empty field of a setting without a default takes it out of the file. */
export function changeOf({ setting, kind, default: preset }: Shape, text: string): Change {
  if (kind === 'list') return { setting, value: linesOf(text) }
  if (text.trim() === '' && preset === undefined) return { setting }
  if (kind === 'switch') return { setting, value: text === 'true' }
  if (kind === 'text' || kind === 'choice') return { setting, value: text.trim() }
  return { setting, text }
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** The name of a setting from its key: `blockSeconds` is "Block seconds", `services.rdap.on` is "Rdap: on". */
export function labelOf(setting: string): string {
  const path = setting.split('.')
  const isDeep = path.length > 3 && path[0] !== 'detectors'
  const words = path
    .slice(isDeep ? -2 : -1)
    .join(': ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Under which heading a setting stands: detectors each have one of their own. */
export function sectionOf(setting: string): string {
  const [first = '', second = ''] = setting.split('.')
  if (first === 'detectors') return `detectors.${second}`
  return setting.startsWith('respond.modes.') ? 'respond.modes' : first
}

/** A value in a sentence: a default, or what it was. */
export function valueText(value: unknown): string {
  if (value === undefined) return '—'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
