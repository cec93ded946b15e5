import type { RuleDirection, RulePolicy } from '#model/rule.ts'
import { type ForeignConditions, ForeignRuleset, type Imported } from './foreign.ts'
import { NftMisfit, readNftRule } from './nft-rule.ts'

const HOOKS: Readonly<Record<string, RuleDirection>> = {
  input: 'inbound',
  output: 'outbound',
  forward: 'forward',
}
const POLICIES: Readonly<Record<string, RulePolicy>> = { accept: 'allow', drop: 'deny' }
const FAMILIES = ['ip', 'ip6', 'inet']

/** One statement: a line, or several up to the end of its braces. */
interface Statement {
  readonly line: number
  readonly text: string
}

/** Reads what `nft list ruleset` printed: filter chains of the families ip, ip6 and inet. */
export function importNft(text: string): Imported {
  const reader = new NftReader()
  for (const statement of statementsOf(text)) reader.take(statement)
  return reader.ruleset.finish()
}

/** Braces that belong to a set or a list of values are joined; those of tables and chains are not. */
function* statementsOf(text: string): Generator<Statement> {
  let pending: Statement | undefined
  for (const [at, raw] of text.split('\n').entries()) {
    const words = raw.replace(/\s+# handle \d+$/, '').trim()
    if (!pending && (words === '' || words.startsWith('#'))) continue
    pending = pending ? { ...pending, text: `${pending.text} ${words}` } : { line: at + 1, text: words }
    if (!isWhole(pending.text)) continue
    yield pending
    pending = undefined
  }
  if (pending) yield pending
}

const HEAD = /^(table|chain|set|map|flowtable|ct|counter|quota|limit|meter|secmark|synproxy) .*\{$/
const isWhole = (text: string): boolean => HEAD.test(text) || count(text, '{') <= count(text, '}')

const count = (text: string, character: string): number =>
  text.replaceAll(/"[^"]*"/g, '').split(character).length - 1

type Block = { readonly kind: 'table' | 'chain' | 'set' | 'other'; readonly name: string }

class NftReader {
  readonly ruleset = new ForeignRuleset()
  readonly #blocks: Block[] = []

  take({ line, text }: Statement): void {
    const head = /^(\w+) (.*?)\s*\{$/.exec(text)
    if (head && !text.includes(' vmap ')) this.#open(head[1] ?? '', head[2] ?? '')
    else if (text === '}') this.#blocks.pop()
    else this.#inBlock(line, text)
  }

  #open(kind: string, name: string): void {
    if (kind === 'table') this.#blocks.push({ kind, name })
    else if (kind === 'chain') {
      this.#blocks.push({ kind, name: this.#scoped(name) })
      this.ruleset.chains.set(this.#scoped(name), { rules: [] })
    } else this.#blocks.push({ kind: kind === 'set' ? 'set' : 'other', name })
  }

  get #table(): string {
    return this.#blocks.find(({ kind }) => kind === 'table')?.name ?? ''
  }

  /** Chains of two tables may have one name. */
  #scoped(chain: string): string {
    return `${this.#table} ${chain}`
  }

  #inBlock(line: number, text: string): void {
    const block = this.#blocks.at(-1)
    if (block?.kind === 'chain') this.#inChain(line, text, block.name)
    else if (block?.kind === 'set' && text.startsWith('elements')) this.#elements(line, text, block.name)
  }

  #inChain(line: number, text: string, name: string): void {
    const base = /^type (\w+) hook (\w+) .*?(?:policy (\w+))?;?\s*$/.exec(text)
    if (base) {
      this.#base(line, text, { name, base })
      return
    }
    const [family = ''] = this.#table.split(' ')
    if (!FAMILIES.includes(family)) {
      this.ruleset.say(line, text, 'skipped', `tables of the family ${family} are not read`)
      return
    }
    try {
      const rule = readNftRule(text)
      const target =
        rule.target.kind === 'jump' ? { ...rule.target, to: this.#scoped(rule.target.to) } : rule.target
      this.#demandLists(rule.conditions)
      this.ruleset.chains.get(name)?.rules.push({ ...rule, target, line, text })
    } catch (error) {
      if (!(error instanceof NftMisfit)) throw error
      this.ruleset.say(line, text, 'skipped', error.message)
    }
  }

  #base(
    line: number,
    text: string,
    { name, base }: { readonly name: string; readonly base: RegExpExecArray },
  ): void {
    const [, type, hook = '', policy = 'accept'] = base
    const direction = type === 'filter' ? HOOKS[hook] : undefined
    const meant = POLICIES[policy]
    if (!direction) this.ruleset.say(line, text, 'skipped', `chains of type ${type} at ${hook} are not read`)
    else if ([...this.ruleset.chains.values()].some((chain) => chain.direction === direction)) {
      this.ruleset.say(
        line,
        text,
        'changed',
        'there are several chains here: what one accepts the next no longer judges',
      )
    }
    const rules = this.ruleset.chains.get(name)?.rules ?? []
    this.ruleset.chains.set(name, { ...(direction && { direction }), ...(meant && { policy: meant }), rules })
  }

  #elements(line: number, text: string, name: string): void {
    const entries = [...(/\{(.*)\}/.exec(text)?.[1] ?? '').split(',')].map(
      (entry) => entry.trim().split(/\s/)[0] ?? '',
    )
    const fit = entries.filter((entry) => /^[0-9a-f.:/-]+$/i.test(entry))
    if (fit.length === 0 || fit.length < entries.filter(Boolean).length) {
      this.ruleset.say(line, text, 'skipped', 'only sets of addresses and ports are read')
      return
    }
    this.ruleset.lists[listName(name)] = fit.map((entry) => (/^\d+$/.test(entry) ? Number(entry) : entry))
    this.ruleset.say(line, `set ${name}: ${fit.length} elements`, 'mapped')
  }

  /** Sets come before the chains that ask for them. */
  #demandLists(conditions: ForeignConditions): void {
    for (const value of Object.values(conditions)) {
      const plain = (value as { readonly not?: unknown } | undefined)?.not ?? value
      if (typeof plain !== 'string' || !plain.startsWith('@')) continue
      if (!this.ruleset.lists[listName(plain.slice(1))])
        throw new NftMisfit(`the set ${plain} is empty, or not read`)
    }
    for (const key of Object.keys(conditions) as (keyof ForeignConditions)[]) {
      conditions[key] = withoutAt(conditions[key])
    }
  }
}

function withoutAt(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('@')) return listName(value.slice(1))
  const not = (value as { readonly not?: unknown } | undefined)?.not
  return typeof not === 'string' && not.startsWith('@') ? { not: listName(not.slice(1)) } : value
}

/** As names of lists are: lowercase, at most 32. */
const listName = (name: string): string =>
  `${/^[a-z]/i.test(name) ? '' : 'set-'}${name.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '-')}`.slice(0, 32)
