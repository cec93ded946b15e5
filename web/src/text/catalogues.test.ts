import { parse } from 'svelte/compiler'
import { describe, expect, test } from 'vitest'
import { de as page } from './de.ts'
import { decoys } from './de-decoys.ts'
import { palette } from './de-palette.ts'
import { en as englishPage } from './en.ts'
import { decoys as englishDecoys } from './en-decoys.ts'
import { palette as englishPalette } from './en-palette.ts'

const components = import.meta.glob<string>('../**/*.svelte', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const modules = import.meta.glob<string>(
  ['../**/*.ts', '!../**/*.test.ts', '!../text/*.ts', '!../**/a-connection.ts'],
  { query: '?raw', import: 'default', eager: true },
)
const english = import.meta.glob<string>('./en*.ts', { query: '?raw', import: 'default', eager: true })

/** What is written the same in every language: names of standards. */
const NAMES = /^(ATT&CK|AS|Gatehouse)$/
const READ_ATTRIBUTES =
  /^(title|placeholder|alt|label|lede|why|aria-(label|description|roledescription|valuetext))$/
const WORD = /\p{L}{2}/u
/** In code: a capital, then more words. Names of keys and classes are not like that. */
const SENTENCE = /['"`]\p{Lu}\p{Ll}+ [\p{L}$][^'"`]*['"`]/u

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value

function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const one of value) yield* nodesOf(one)
  if (!isNode(value)) return
  yield value
  for (const [key, inner] of Object.entries(value)) if (key !== 'metadata') yield* nodesOf(inner)
}

/** What a reader would see of these parts of a template that no catalogue holds. */
function* literalsOf(parts: unknown): Generator<string> {
  for (const part of Array.isArray(parts) ? parts : [parts]) {
    if (!isNode(part)) continue
    if (part.type === 'Text') yield String(part['data']).trim()
    if (part.type === 'ExpressionTag') yield* shownBy(part['expression'])
  }
}

/** The texts that an expression may come to, not those that it only compares or looks up. */
function* shownBy(expression: unknown): Generator<string> {
  if (!isNode(expression)) return
  if (expression.type === 'Literal') yield String(expression['value']).trim()
  if (expression.type === 'TemplateLiteral') {
    for (const quasi of nodesOf(expression['quasis']))
      yield (quasi['value'] as { cooked: string }).cooked.trim()
  }
  if (expression.type === 'ConditionalExpression') {
    yield* shownBy(expression['consequent'])
    yield* shownBy(expression['alternate'])
  }
  if (expression.type === 'LogicalExpression') yield* shownBy(expression['right'])
}

function textsIn(source: string): string[] {
  const found: string[] = []
  for (const node of nodesOf(parse(source, { modern: true }).fragment)) {
    if (node.type === 'Fragment') found.push(...literalsOf(node['nodes']))
    if (node.type === 'Attribute' && READ_ATTRIBUTES.test(String(node['name'])))
      found.push(...literalsOf(node['value']))
  }
  return found.filter((text) => WORD.test(text) && !NAMES.test(text))
}

/** Every leaf of a catalogue by its path. */
function leavesOf(words: object, path = ''): [string, unknown][] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'object'
      ? leavesOf(value, `${path}${key}.`)
      : [[path + key, value] as [string, unknown]],
  )
}

/** What a sentence is made with: figures that nothing else in it has. */
const FIGURES = [731, 842, 953]

function inserted(sentence: unknown): string[] | 'plain' {
  if (typeof sentence !== 'function') return 'plain'
  const text = String(sentence(...FIGURES.map((figure) => withCase(figure))))
  return FIGURES.map(String).filter((figure) => text.includes(figure))
}

/** A number that also answers to the methods of a text, as some sentences ask of theirs. */
const withCase = (figure: number): unknown =>
  Object.assign(figure, { toUpperCase: () => String(figure), toLowerCase: () => String(figure) })

/** With the words that come with what they are for. */
const de = { ...page, ofDecoys: decoys, ofPalette: palette }
const en = { ...englishPage, ofDecoys: englishDecoys, ofPalette: englishPalette }

describe('the catalogues', () => {
  const inGerman = new Map(leavesOf(de))

  test('German has each text that English has, and no other', () => {
    expect([...inGerman.keys()].sort()).toEqual(
      leavesOf(en)
        .map(([path]) => path)
        .sort(),
    )
  })

  test('each sentence holds the same numbers and names in German', () => {
    const differ = leavesOf(en).filter(
      ([path, sentence]) => String(inserted(inGerman.get(path))) !== String(inserted(sentence)),
    )
    expect(differ.map(([path]) => path)).toEqual([])
  })

  test('keys of English are never hidden by a Record: a translation that lacks one would compile', () => {
    const hidden = Object.entries(english).filter(([, source]) => source.includes('as Record<'))
    expect(hidden.map(([path]) => path)).toEqual([])
  })
})

describe('what the page says is in a catalogue', () => {
  test('so are the texts of its templates', () => {
    const found = Object.entries(components).flatMap(([path, source]) =>
      textsIn(source).map((text) => `${path}: ${text}`),
    )
    expect(found).toEqual([])
  })

  test('and so are the sentences of its code', () => {
    const code = Object.entries({ ...modules, ...scriptsOf(components) })
    const found = code.flatMap(([path, source]) =>
      source
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        .split('\n')
        .filter((line) => SENTENCE.test(line) && !/\bnew Error\(/.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    )
    expect(found).toEqual([])
  })

  test.each([
    ['<p>Two words</p>', ['Two words']],
    ['<p>{isIn ? `At most` : text.none}</p>', ['At most']],
    ['<button aria-label="Close it">×</button>', ['Close it']],
    ['{#if a}<td title={b || "Nothing here"}></td>{/if}', ['Nothing here']],
    ['<p class="muted">{text.none} · {words.of(list, "key")}</p>', []],
  ])('the search for it finds what it should in %s', (source, texts) => {
    expect(textsIn(source)).toEqual(texts)
  })
})

function scriptsOf(sources: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sources).map(([path, source]) => [
      path,
      [...source.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, script]) => script).join('\n'),
    ]),
  )
}
