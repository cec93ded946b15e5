import { isMap, isSeq } from 'yaml'
import { parsePlacedYaml } from '#lib/placed-yaml.ts'

/** The text with one rule more, at `number` (from 1; absent: as the last); comments stay where they are. */
export function withRule(
  text: string,
  rule: Readonly<Record<string, unknown>> | string,
  number?: number,
): string {
  return edited(text, (rules, document) => {
    const node = document.createNode(rule)
    if (isMap(node)) node.flow = true
    rules.items.splice(number === undefined ? rules.items.length : Math.max(0, number - 1), 0, node)
    return true
  })
}

/** The text without the rule of this number; undefined when there is none. */
export function withoutRule(text: string, number: number): string | undefined {
  let isGone = false
  const after = edited(text, (rules) => {
    isGone = rules.items.splice(number - 1, 1).length === 1 && number >= 1
    return isGone
  })
  return isGone ? after : undefined
}

type Sequence = { items: unknown[] }

function edited(
  text: string,
  change: (rules: Sequence, document: ReturnType<typeof parsePlacedYaml>['document']) => boolean,
): string {
  const { document } = parsePlacedYaml(text)
  if (!isMap(document.contents)) document.contents = document.createNode({}) as typeof document.contents
  if (!isSeq(document.get('rules'))) document.set('rules', document.createNode([]))
  const rules = document.get('rules') as unknown as Sequence & { flow?: boolean }
  if (rules.items.length === 0) rules.flow = false
  if (!change(rules, document)) return text
  const isJson = text.trimStart().startsWith('{')
  return isJson ? `${JSON.stringify(document.toJS(), undefined, 2)}\n` : document.toString({ lineWidth: 0 })
}
