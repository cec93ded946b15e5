import { type Document, isMap, isNode, isSeq, type YAMLMap, type YAMLSeq } from 'yaml'
import { parsePlacedYaml, yamlText } from '#lib/placed-yaml.ts'
import { parseShortForm } from './short-form.ts'

/** A rule as the file has it: its keys, or the short form. */
type WrittenRule = Readonly<Record<string, unknown>> | string

/** One change of a rules file. Numbers count from 1. */
export type Edit =
  | { readonly kind: 'add'; readonly rule: WrittenRule; readonly at?: number | undefined }
  | { readonly kind: 'replace'; readonly number: number; readonly rule: WrittenRule }
  | { readonly kind: 'remove'; readonly number: number }
  | { readonly kind: 'move'; readonly number: number; readonly to: number }
  | { readonly kind: 'enable'; readonly number: number; readonly enabled: boolean }
  | { readonly kind: 'default'; readonly direction: string; readonly policy: string }

/** The text with one rule more, at `number` (from 1; absent: as the last); comments stay where they are. */
export const withRule = (text: string, rule: WrittenRule, number?: number): string =>
  edited(text, { kind: 'add', rule, at: number }) ?? text

/** The text without the rule of this number; undefined when there is none. */
export const withoutRule = (text: string, number: number): string | undefined =>
  edited(text, { kind: 'remove', number })

/**
 * The text with one change; comments stay with their rules. Undefined when there is no rule of that number. The text
 * must be YAML without faults.
 */
export function edited(text: string, edit: Edit): string | undefined {
  const { document } = parsePlacedYaml(text)
  if (!isMap(document.contents)) document.contents = document.createNode({}) as typeof document.contents
  const isDone =
    edit.kind === 'default'
      ? setDefault(document, edit)
      : change({ document, rules: rulesOf(document) }, edit)
  if (!isDone) return undefined
  const isJson = text.trimStart().startsWith('{')
  return isJson ? `${JSON.stringify(document.toJS(), undefined, 2)}\n` : yamlText(document, text)
}

interface Opened {
  readonly document: Document
  readonly rules: YAMLSeq
}

function rulesOf(document: Document): YAMLSeq {
  if (!isSeq(document.get('rules'))) document.set('rules', document.createNode([]))
  const rules = document.get('rules') as YAMLSeq
  if (rules.items.length === 0) rules.flow = false
  return rules
}

function setDefault(document: Document, { direction, policy }: Extract<Edit, { kind: 'default' }>): boolean {
  if (!isMap(document.get('defaults'))) {
    const defaults = document.createNode({}) as YAMLMap
    defaults.flow = true
    document.set('defaults', defaults)
  }
  document.setIn(['defaults', direction], policy)
  return true
}

function change({ document, rules }: Opened, edit: Exclude<Edit, { kind: 'default' }>): boolean {
  const { items } = rules
  if (edit.kind === 'add') {
    const at = edit.at === undefined ? items.length : Math.max(0, edit.at - 1)
    if (at === 0) giveFirstItsComment(rules)
    items.splice(at, 0, nodeOf(document, edit.rule))
    return true
  }
  const at = edit.number - 1
  if (at < 0 || at >= items.length) return false
  if (edit.kind === 'replace') items[at] = replaced(document, items[at], edit.rule)
  else if (edit.kind === 'enable') items[at] = switched(document, items[at], edit.enabled)
  else lift(rules, at, edit.kind === 'move' ? edit.to - 1 : undefined)
  return true
}

/** Takes a rule out of its place, and puts it into another where there is one. */
function lift(rules: YAMLSeq, from: number, to: number | undefined): void {
  giveFirstItsComment(rules)
  const [item] = rules.items.splice(from, 1)
  if (to !== undefined) rules.items.splice(to, 0, item)
  const [first] = rules.items
  if (isNode(first)) first.spaceBefore = false
}

/** The parser gives what stands before the first rule to the list; it has to move with the rule. */
function giveFirstItsComment(rules: YAMLSeq): void {
  const [first] = rules.items
  if (!isNode(first) || !rules.commentBefore) return
  first.commentBefore = rules.commentBefore
  rules.commentBefore = null
}

function nodeOf(document: Document, rule: WrittenRule) {
  const node = document.createNode(rule)
  if (isMap(node)) node.flow = true
  return node
}

/** Comments of the rule stay, and those of the keys that stay. */
function replaced(document: Document, before: unknown, rule: WrittenRule): unknown {
  if (isMap(before) && typeof rule !== 'string') return withKeys(document, before, rule)
  const node = nodeOf(document, rule)
  if (isNode(before) && isNode(node)) {
    node.commentBefore = before.commentBefore ?? null
    node.comment = before.comment ?? null
    node.spaceBefore = before.spaceBefore ?? false
  }
  return node
}

function withKeys(document: Document, rule: YAMLMap, keys: Readonly<Record<string, unknown>>): YAMLMap {
  for (const key of rule.items.map((pair) => String(pair.key))) if (!(key in keys)) rule.delete(key)
  for (const [key, value] of Object.entries(keys)) {
    const isSame = JSON.stringify(asValue(rule.get(key))) === JSON.stringify(value)
    if (!isSame) rule.set(key, document.createNode(value))
  }
  return rule
}

const asValue = (value: unknown): unknown =>
  isMap(value) || isSeq(value) ? (value as YAMLSeq).toJSON() : value

/** The short form has no switch: it is written out. */
function switched(document: Document, before: unknown, enabled: boolean): unknown {
  if (isMap(before)) {
    if (enabled) before.delete('enabled')
    else before.set('enabled', false)
    return before
  }
  const short = parseShortForm(String(before))
  if (!('rule' in short) || enabled) return before
  return replaced(document, before, { ...short.rule, enabled: false })
}
