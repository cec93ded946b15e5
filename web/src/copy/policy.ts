import type { DetectorState } from '../../../src/contract/detectors.ts'
import type { Feed } from '../../../src/contract/intel.ts'
import type { ReadRule } from '../../../src/contract/rule-drafting.ts'
import type { Setting, SettingsChange } from '../../../src/contract/settings.ts'
import { type CopiedAct, type CopyLine, copyLine } from './line.ts'

type Change = SettingsChange['changes'][number]
type CopiedRule = Pick<ReadRule, 'number' | 'enabled' | 'keys'>

/** All of them edit the draft, as the page does. `last`: the number of the last rule. */
export function ruleLines({ number, enabled, keys }: CopiedRule, last: number): CopyLine[] {
  const rule = JSON.stringify(keys)
  const moves = [
    ...(number > 1 ? [move('moveUp', number, number - 1)] : []),
    ...(number < last ? [move('moveDown', number, number + 1)] : []),
  ]
  return [
    draftLine('edit', 'replace', [number, rule], { kind: 'replace', number, rule: keys }),
    ...moves,
    draftLine('copy', `add --at ${number + 1}`, [rule], { kind: 'add', rule: keys, at: number + 1 }),
    draftLine(enabled ? 'off' : 'on', enabled ? 'off' : 'on', [number], {
      kind: 'enable',
      number,
      enabled: !enabled,
    }),
    draftLine('remove', 'remove', [number], { kind: 'remove', number }),
  ]
}

const move = (act: CopiedAct, number: number, to: number): CopyLine =>
  draftLine(act, 'move', [number, to], { kind: 'move', number, to })

const draftLine = (
  act: CopiedAct,
  verb: string,
  given: readonly (string | number)[],
  edit: object,
): CopyLine =>
  copyLine(act, `rule draft ${verb}`, given, { method: 'POST', path: 'rules/edit', body: { edits: [edit] } })

export const versionLines = (number: number): CopyLine[] => [
  copyLine('see', 'rule diff', [number], { method: 'GET', path: `rules/versions/${number}` }),
  copyLine('restore', 'rule restore', [number], { method: 'POST', path: `rules/versions/${number}/restore` }),
]

const LIST_ACTS = { record: 'listRecord', alert: 'listAlert', block: 'listBlock' } as const

export function listLines({
  id,
  isOn,
  action,
  held,
}: Pick<Feed, 'id' | 'isOn' | 'action' | 'held'>): CopyLine[] {
  const path = `feeds/${encodeURIComponent(id)}`
  if (!isOn) {
    const body = { isOn: true, action }
    return [copyLine('on', `feeds on --action ${action}`, [id], { method: 'PUT', path, body })]
  }
  const others = (['record', 'alert', 'block'] as const).filter((one) => one !== action)
  const decide = (act: CopiedAct, verb: string, accept: boolean): CopyLine =>
    copyLine(act, `feeds ${verb}`, [id], { method: 'POST', path: `${path}/held`, body: { accept } })
  return [
    copyLine('off', 'feeds off', [id], { method: 'PUT', path, body: { isOn: false } }),
    ...others.map((one) =>
      copyLine(LIST_ACTS[one], `feeds on --action ${one}`, [id], {
        method: 'PUT',
        path,
        body: { isOn: true, action: one },
      }),
    ),
    copyLine('update', 'feeds update', [id], { method: 'POST', path: `${path}/update` }),
    ...(held ? [decide('accept', 'accept', true), decide('refuse', 'reject', false)] : []),
  ]
}

const MODE_ACTS = { off: 'modeOff', watch: 'modeWatch', suggest: 'modeSuggest', act: 'modeAct' } as const

export const detectorLines = ({ id, mode }: Pick<DetectorState, 'id' | 'mode'>): CopyLine[] =>
  (['off', 'watch', 'suggest', 'act'] as const)
    .filter((one) => one !== mode)
    .map((one) => setLine(MODE_ACTS[one], `respond.modes.${id}`, one))

/** To what it stands at, or to what somebody wrote and did not save (`change`); what is secret is never copied. */
export function settingLines(
  { setting, value, origin, isSecret }: Pick<Setting, 'setting' | 'value' | 'origin' | 'isSecret'>,
  change: Change = { setting, value },
): CopyLine[] {
  const text = change.text ?? (change.value === undefined ? undefined : yamlText(change.value))
  return [
    ...(isSecret || text === undefined ? [] : [setLine('set', setting, text)]),
    ...(origin.from === 'file'
      ? [
          copyLine('reset', 'config reset', [setting], {
            method: 'PATCH',
            path: 'settings',
            body: { changes: [{ setting }] },
          }),
        ]
      : []),
    copyLine('see', 'config get', [setting], { method: 'GET', path: 'settings' }),
  ]
}

const setLine = (act: CopiedAct, setting: string, text: string): CopyLine =>
  copyLine(act, 'config set', [setting, text], {
    method: 'PATCH',
    path: 'settings',
    body: { changes: [{ setting, text }] },
  })

/** Words that YAML takes for something else than text. */
const NO_TEXT = /^(?:true|false|null|yes|no|on|off|y|n)$/i

/** JSON is YAML; a plain word needs no quotes. */
const yamlText = (value: unknown): string =>
  typeof value === 'string' && /^[a-z][\w-]*$/i.test(value) && !NO_TEXT.test(value)
    ? value
    : JSON.stringify(value)
