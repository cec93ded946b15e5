import { nearestWord } from '#lib/nearest-word.ts'
import type { PlacedYaml } from '#lib/placed-yaml.ts'
import { shortened, visibleJson } from '#lib/visible-text.ts'
import type { PlaceSpans } from '#model/place.ts'
import type { NamedList, RuleProblem } from '#model/rule.ts'

const MAX_SHOWN = 60
/** One wrong habit repeated in ten thousand rules must not make a message of a megabyte. */
const MAX_PROBLEMS = 100

/** What a rules file may lean on, beyond its own text. */
export interface RuleWorld {
  /** The user of this name on this machine. */
  uidOf(name: string): number | undefined
  /** The text of a file that a list names; undefined when it cannot be read. */
  listText(path: string): string | undefined
  /** The program at a path, through links; `interpreter`: of a script. Undefined where there is none. */
  programAt?(path: string): { readonly path: string; readonly interpreter?: string } | undefined
  /** Whether a package is installed; undefined where nobody can say. */
  isPackage?(name: string): boolean | undefined
  /** Why this machine cannot enforce rules by program. */
  whyNoPrograms?(): string | undefined
  /** Where addresses are; absent where there is no such data. */
  readonly places?: PlaceSpans | undefined
}

export type Path = readonly (string | number)[]

/** Collects what is wrong with a file, each with its place. */
export class RuleReader {
  readonly problems: RuleProblem[] = []
  readonly world: RuleWorld
  /** By name, once they are read. */
  readonly lists = new Map<string, NamedList>()
  readonly #yaml: PlacedYaml
  readonly #origin: string

  constructor(yaml: PlacedYaml, origin: string, world: RuleWorld) {
    this.#yaml = yaml
    this.#origin = origin
    this.world = world
    for (const fault of yaml.faults) this.problems.push({ severity: 'error', origin, ...fault })
  }

  /** The value at `path` does not fit. */
  wrong(path: Path, message: string, hint: string): undefined {
    this.#add('error', path, this.#yaml.placeOf, { message, hint })
  }

  /** It can be read, but is probably not what was meant. */
  doubt(path: Path, message: string, hint: string): undefined {
    this.#add('warning', path, this.#yaml.placeOf, { message, hint })
  }

  /** Expected one thing, found another. */
  unexpected(path: Path, expected: string, value: unknown, hint: string): undefined {
    this.wrong(path, `expected ${expected}, found ${shown(value)}`, hint)
  }

  /** `value` is none of the words that may stand here. */
  notAmong(path: Path, value: unknown, words: readonly string[]): undefined {
    const meant = typeof value === 'string' ? nearestWord(value, words) : undefined
    const hint = meant ? `Did you mean ${meant}?` : 'Use one of these words.'
    this.unexpected(path, `one of ${words.join(', ')}`, value, hint)
  }

  /** Says so of each key that is not known. */
  checkKeys(path: Path, value: object, known: readonly string[], what: string): void {
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue
      const meant = nearestWord(key, known) ?? FOREIGN_WORDS[key.toLowerCase()]
      const hint =
        meant && known.includes(meant) ? `Did you mean ${meant}?` : `Known here: ${known.join(', ')}.`
      this.#add('error', [...path, key], this.#yaml.placeOfKey, { message: `there is no such ${what}`, hint })
    }
  }

  get hasErrors(): boolean {
    return this.problems.some(({ severity }) => severity === 'error')
  }

  #add(
    severity: RuleProblem['severity'],
    path: Path,
    placeOf: PlacedYaml['placeOf'],
    said: { readonly message: string; readonly hint: string },
  ): void {
    if (this.problems.length >= MAX_PROBLEMS) return
    this.problems.push({
      severity,
      origin: this.#origin,
      ...placeOf(path),
      ...(path.length > 0 && { where: pathText(path) }),
      ...said,
    })
  }
}

/** What other firewalls call it. */
const FOREIGN_WORDS: Readonly<Record<string, string>> = {
  src: 'from',
  saddr: 'from',
  source: 'from',
  dst: 'to',
  daddr: 'to',
  destination: 'to',
  target: 'to',
  proto: 'protocol',
  dport: 'port',
  ports: 'port',
  dstport: 'port',
  sport: 'sourcePort',
  iface: 'interface',
  dev: 'interface',
  in: 'direction',
  out: 'direction',
  chain: 'direction',
  verdict: 'action',
  policy: 'defaults',
  name: 'id',
  groups: 'lists',
  sets: 'lists',
  until: 'expires',
  note: 'comment',
}

export const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const pathText = (path: Path): string =>
  path.map((key, at) => (typeof key === 'number' ? `[${key}]` : at === 0 ? key : `.${key}`)).join('')

/** A value as a person sees it in the file, cut short and harmless for a terminal. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'an empty value'
  const text = shortened(visibleJson(value), MAX_SHOWN)
  if (Array.isArray(value)) return `the list ${text}`
  if (typeof value === 'object') return `the group ${text}`
  return typeof value === 'string' ? `the text ${text}` : text
}

/** One line for people: where, what, and what to do. */
export function describeProblem({ origin, line, column, where, message, hint }: RuleProblem): string {
  const place = line === undefined ? origin : `${origin}:${line}:${column}`
  return `${place}: ${where === undefined ? '' : `${where}: `}${message}. ${hint}`
}
