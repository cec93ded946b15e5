import { mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createRulePrograms, type RulePrograms } from '#core/rule-programs.ts'
import { createRuleEnforcer, type RuleEnforcer } from '#enforce/rules.ts'
import type { RuleBook } from '#model/rule.ts'
import { compile } from '#policy/rules/compile.ts'
import { parseRules } from '#policy/rules/parse.ts'
import { describeProblem } from '#policy/rules/rule-reader.ts'

/**
 * Rules by program at work inside a network namespace, for the processes of one control group: one request per line of
 * input, one answer per line of output. Arguments: FOLDER of state, GROUP, folder of PINS, and `strict`, `keep` or both.
 */
const [folder = '', cgroup = '', pins = '', ...how] = process.argv.slice(2)
const TABLE = 'gatehouse_rules'
const said: string[] = []
let book: RuleBook | undefined

mkdirSync(`${folder}/rules`, { recursive: true })
const programs: RulePrograms = createRulePrograms({
  settings: {
    markMask: '0xff000000',
    strictPrograms: how.includes('strict'),
    pinFolder: pins,
    onCrash: how.includes('keep') ? 'keep' : 'open',
  },
  stateFolder: folder,
  table: TABLE,
  book: () => book,
  namesOf: () => [],
  now: () => Date.now(),
  say: (text) => said.push(text),
  cgroup,
})
const enforcer: RuleEnforcer = createRuleEnforcer({ table: TABLE, classes: programs.classes })
const world = { uidOf: () => undefined, listText: () => undefined, ...programs.world }

const requests: Readonly<Record<string, (argument: string) => unknown>> = {
  rules(text) {
    const read = parseRules(text, 'test', world)
    if (!read.book) return { problems: read.problems.map(describeProblem) }
    book = read.book
    const startedAt = performance.now()
    const isTaken = enforcer.enforce(text === '' ? undefined : compile(read.book, Date.now()))
    return { isTaken, health: enforcer.health, milliseconds: performance.now() - startedAt }
  },
  counts: () => Object.fromEntries([...enforcer.counts()].map(([id, { packets }]) => [id, packets])),
  sweep() {
    for (let turn = 0; turn < 4; turn++) enforcer.verify()
    return enforcer.health
  },
  facts: (pid) => programs.classes.factsOf(Number(pid)),
  said: () => said,
  stop(keep) {
    enforcer.stop(keep === 'keep')
    programs.stop()
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { request, argument } = JSON.parse(line) as { readonly request: string; readonly argument: string }
  const answer = requests[request]?.(argument) ?? null
  process.stdout.write(`${JSON.stringify(answer)}\n`)
  if (request === 'stop') process.exit(0)
}
