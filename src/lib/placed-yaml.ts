import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  YAMLMap,
  YAMLSeq,
} from 'yaml'

/** Line and column in a text, from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What is wrong with the text as YAML, before anybody asks what it means. */
export interface YamlFault extends Partial<Place> {
  readonly message: string
  readonly hint: string
}

/** A YAML text with its values, and where each of them is. */
export interface PlacedYaml {
  /** Keeps comments: change it, and write it back. */
  readonly document: Document
  /** Undefined where there are faults; an empty text is an empty group. */
  readonly values: unknown
  readonly faults: readonly YamlFault[]
  /** Of the value at `path`, or of the nearest group around it. */
  placeOf(path: readonly PropertyKey[]): Place
  /** Of the key itself. */
  placeOfKey(path: readonly PropertyKey[]): Place
}

/** Reads YAML (JSON is YAML too). Never throws: what is wrong is in `faults`. */
export function parsePlacedYaml(text: string): PlacedYaml {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const faults = [...document.errors, ...document.warnings].map(
    (error): YamlFault => ({
      ...place(error.pos[0]),
      message: `this is not valid YAML: ${error.message}`,
      hint: 'Look at indentation, colons and quotes on this line and the one before.',
    }),
  )
  const values = faults.length > 0 ? undefined : valuesOf(document, faults)
  return {
    document: document as Document,
    values,
    faults,
    placeOf: (path) => place(offsetOf(document as Document, path, 'value')),
    placeOfKey: (path) => place(offsetOf(document as Document, path, 'key')),
  }
}

/** The document as text again, brackets and braces written as `before` has them, so that a change of one line is one line. */
export function yamlText(document: Document, before: string): string {
  const padding = {
    list: /\[ \S/.test(before) && !/\[[^\s\]]/.test(before) ? ' ' : '',
    group: /\{[^\s}]/.test(before) && !/\{ \S/.test(before) ? '' : ' ',
  }
  visit(document, {
    Seq: (_, node) => pad(node, YAMLSeq.prototype, padding.list),
    Map: (_, node) => pad(node, YAMLMap.prototype, padding.group),
  })
  return document.toString({ lineWidth: 0 })
}

/** The library has one padding for lists and groups; people write `[80, 443]` within `{ port: … }`. */
function pad(node: YAMLSeq | YAMLMap, prototype: YAMLSeq | YAMLMap, flowCollectionPadding: string): void {
  if (!node.flow) return
  const write = prototype.toString as (...given: unknown[]) => string
  node.toString = (context, ...rest) =>
    write.call(node, context && { ...context, flowCollectionPadding }, ...rest)
}

function valuesOf(document: { toJS(): unknown }, faults: YamlFault[]): unknown {
  try {
    return document.toJS() ?? {}
  } catch (error) {
    // Aliases that multiply (the "billion laughs"), or one that has no anchor.
    const reason = error instanceof Error ? error.message : String(error)
    faults.push({ message: `this cannot be read: ${reason}`, hint: 'Write the values out.' })
    return undefined
  }
}

function offsetOf(document: Document, path: readonly PropertyKey[], want: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [at, key] of path.entries()) {
    const below = childOf(node, key)
    if (!below) return offset
    if (want === 'key' && at === path.length - 1) return below.keyStart ?? offset
    offset = startOf(below.value) ?? below.keyStart ?? offset
    node = below.value
  }
  return offset
}

interface Child {
  readonly value: unknown
  /** Absent in a list. */
  readonly keyStart: number | undefined
}

function childOf(node: unknown, key: PropertyKey): Child | undefined {
  if (isSeq(node)) return { value: node.get(Number(key), true), keyStart: undefined }
  if (!isMap(node)) return undefined
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
  return pair && { value: pair.value, keyStart: startOf(pair.key) }
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)
