import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { ConfigProblem } from './config-error.ts'

/** A configuration as it stands in a file: its values, and where each of them is. */
export interface ConfigDocument {
  readonly document: Document
  readonly values: unknown
  readonly problems: readonly ConfigProblem[]
  /** Line and column of the value at `path`, or of the nearest group around it. */
  placeOf(path: readonly PropertyKey[]): { readonly line: number; readonly column: number }
  /** Line and column of the key itself. */
  placeOfKey(path: readonly PropertyKey[]): { readonly line: number; readonly column: number }
}

/** Reads YAML (JSON is YAML too). Never throws: what is wrong is in `problems`. */
export function parseConfig(text: string, file: string): ConfigDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const problems = [...document.errors, ...document.warnings].map(
    (error): ConfigProblem => ({
      origin: file,
      ...place(error.pos[0]),
      message: `this is not valid YAML: ${error.message}`,
      hint: 'Look at indentation, colons and quotes on this line and the one before.',
    }),
  )
  const values = problems.length > 0 ? undefined : valuesOf(document, file, problems)
  return {
    document: document as Document,
    values,
    problems,
    placeOf: (path) => place(offsetOf(document as Document, path, 'value')),
    placeOfKey: (path) => place(offsetOf(document as Document, path, 'key')),
  }
}

function valuesOf(document: { toJS(): unknown }, file: string, problems: ConfigProblem[]): unknown {
  try {
    return document.toJS() ?? {}
  } catch (error) {
    // Aliases that multiply (the "billion laughs"), or one that has no anchor.
    const reason = error instanceof Error ? error.message : String(error)
    problems.push({ origin: file, message: `this cannot be read: ${reason}`, hint: 'Write the values out.' })
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
