import { isMap, isSeq } from 'yaml'
import { parsePlacedYaml, yamlText } from '#lib/placed-yaml.ts'
import type { Imported } from './foreign.ts'

/** The text with these lists more; comments stay. A list that has the name of one of them is replaced. */
export function withLists(text: string, lists: Imported['lists']): string {
  const { document } = parsePlacedYaml(text)
  if (!isMap(document.contents)) document.contents = document.createNode({}) as typeof document.contents
  if (!isMap(document.get('lists'))) document.set('lists', document.createNode({}))
  for (const [name, entries] of Object.entries(lists)) {
    const node = document.createNode(entries)
    if (isSeq(node)) node.flow = true
    document.setIn(['lists', name], node)
  }
  const isJson = text.trimStart().startsWith('{')
  return isJson ? `${JSON.stringify(document.toJS(), undefined, 2)}\n` : yamlText(document, text)
}
