import { execFileSync } from 'node:child_process'
import { withMarks } from '#enforce/program-classes-book.ts'
import { rulesetText } from '#enforce/rule-text.ts'
import { createRuleEnforcer } from '#enforce/rules.ts'
import { ip } from '#model/address.ts'
import type { RuleProgram } from '#model/rule-program.ts'
import { compile } from '#policy/rules/compile.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { randomRuleFile } from './rule-files.ts'
import { Dice } from './rule-packets.ts'
import { trialWorld } from './rule-trial-world.ts'

/**
 * Runs in a namespace: random rule files, put in place over netlink and as the text that is exported, and whether
 * `nft` lists the same. Prints one line of JSON. Arguments: files, seed.
 */
const [files = '1', seed = '1'] = process.argv.slice(2)
const TABLE = 'gatehouse_rules'
const MARK_MASK = 0xff000000
const AT = Date.UTC(2026, 10, 20, 10)

const addresses = {
  own4: ip('10.0.0.1'),
  own6: ip('fd00::1'),
  strangers4: ['192.0.2.1', '198.51.100.7'].map(ip),
  strangers6: ['2001:db8::1', '2001:db8:2::7'].map(ip),
  beyond4: ['10.99.0.5'].map(ip),
  beyond6: ['fd99::5'].map(ip),
}

const nft = (args: string[], input?: string): string =>
  execFileSync('nft', args, {
    encoding: 'utf8',
    ...(input !== undefined && { input }),
    stdio: ['pipe', 'pipe', 'pipe'],
  })

/**
 * The table as nft lists it, with numbers instead of names. Sets of protocols, types and times stand where they are
 * asked for, and the parts of the table are in the order of their text.
 */
function listed(): string {
  const parts = nft(['-n', '-T', 'list', 'table', 'inet', TABLE])
    .split('\n')
    .slice(1, -2)
    .join('\n')
    .split('\n\n')
  const inline = new Map<string, string>()
  const rest = parts.filter((part) => {
    const [, name = '', type] = /set (\S+) {\n\s*type (\S+)/.exec(part) ?? []
    if (type !== 'inet_proto' && type !== 'time') return true
    inline.set(`@${name}`, /elements = (\{[^}]*\})/.exec(part)?.[1]?.replaceAll(/\s+/g, ' ') ?? '{}')
    return false
  })
  return (
    rest
      .map((part) => part.replaceAll(/@set\d+/g, (name) => inline.get(name) ?? name))
      .map((part) => part.replaceAll(/\b0x[0-9a-f]+/g, (hex) => `${Number(hex)}`))
      // How much room a set has is no part of what it says.
      .map((part) => part.replaceAll(/\t\tsize \d+\n/g, ''))
      // nft compares two neighbours of a header at once.
      .map((part) =>
        part.replaceAll(/th dport (\d+) th sport (\d+)/g, (_, to, from) => `@th,0,32 ${from * 65_536 + +to}`),
      )
      .sort()
      .join('\n\n')
  )
}

/** With classes of programs as if some were known. */
const marked = (program: RuleProgram): RuleProgram =>
  withMarks(program, MARK_MASK, () => [0x01000000, 0x05000000])

const dice = new Dice(Number(seed))
const mismatches: unknown[] = []
const enforcer = createRuleEnforcer({ table: TABLE })
for (let at = 0; at < Number(files); at++) {
  const text = randomRuleFile(dice, addresses, AT)
  const { book } = parseRules(text, 'random', trialWorld)
  if (!book) throw new Error(text)
  // As it is compiled nft must take it; what it lists is compared without the tree, which it shows in another way.
  const program = marked(compile(book, AT, Number.POSITIVE_INFINITY))
  if (!enforcer.enforce(program)) throw new Error(JSON.stringify(enforcer.health))
  const direct = listed()
  const exported = rulesetText(TABLE, program)
  try {
    nft(['-c', '-f', '/dev/stdin'], rulesetText(TABLE, marked(compile(book, AT))))
    nft(['-f', '/dev/stdin'], exported)
    const loaded = listed()
    if (loaded !== direct) mismatches.push({ text, direct, loaded })
  } catch (error) {
    mismatches.push({ text, exported, error: String((error as { stderr?: unknown }).stderr) })
  }
  if (mismatches.length >= 3) break
}
process.stdout.write(`${JSON.stringify({ files: Number(files), mismatches })}\n`)
