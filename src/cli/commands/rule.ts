import type { Command } from 'commander'
import type { RulesCheck, RulesOutcome, RulesState, ShownRule } from '#contract/rules.ts'
import { type BootOptions, defineCommand, type Shell, type Terminal } from '../command.ts'
import { ExitCode } from '../failure.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { addRuleDraft } from '../rule-draft.ts'
import { addRuleExchange } from '../rule-exchange.ts'
import { addRuleLog } from '../rule-log.ts'
import { addRuleVersions } from '../rule-versions.ts'
import {
  addShortForm,
  type ChangeOptions,
  change,
  checkText,
  howOf,
  outcomeText,
  readFile,
  readRuleNumber,
} from '../rule-words.ts'
import { tableText } from '../table.ts'
import { bytesText, durationText } from '../words.ts'

const VERBS = ['allow', 'deny', 'reject', 'limit', 'audit'] as const

export default defineCommand({
  order: 72,
  add(program, shell) {
    const rule = program.command('rule').description('the firewall rules: list, add, remove, check')
    addList(rule, shell)
    for (const verb of VERBS) {
      addShortForm(rule.command(verb).description(`add a rule that says ${verb}`), verb, shell)
    }
    addAdd(rule, shell)
    addRemove(rule, shell)
    addCheck(rule, shell)
    addRuleDraft(rule, shell)
    addRuleLog(rule, shell)
    addRuleExchange(rule, shell)
    addRuleVersions(rule, shell)
    rule
      .command('boot')
      .description(
        'put the rules that were confirmed last in force, without the daemon: for the start of the machine',
      )
      .option('--state-dir <folder>', 'where Gatehouse remembers (default: /var/lib/gatehouse)')
      .action(async (options: BootOptions) => shell.terminal.write(await shell.boot(options)))
    const text = rule.command('show').description('the rules file that is in force, as it is')
    leaf(text, 'rule show').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      show(await core.ask<RulesState>('GET', '/rules'), (state) => state.text)
    })
  },
})

function addList(rule: Command, shell: Shell): void {
  const list = rule
    .command('list', { isDefault: true })
    .description('the rules in their order, and what each counted')
  leaf(list, 'rule list').action(async (options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    show(await core.ask<RulesState>('GET', '/rules'), (state) =>
      stateText(state, shell.now(), shell.terminal),
    )
  })
}

function addAdd(rule: Command, shell: Shell): void {
  const add = rule
    .command('add')
    .description('add a rule, written as one text')
    .argument('<rule>', '"allow 22/tcp from 192.0.2.0/24"')
  change(add, 'rule add "limit ssh" --confirm 60s')
    .option('--at <number>', 'its number (default: the last)', readRuleNumber)
    .action(async (text: string, options: ChangeOptions & { readonly at?: number }) => {
      const { core, show } = asking(shell, options)
      const request = { rule: text, ...howOf(options), ...(options.at !== undefined && { at: options.at }) }
      show(await core.ask<RulesOutcome>('POST', '/rules/add', request), outcomeText)
    })
}

function addRemove(rule: Command, shell: Shell): void {
  const remove = rule.command('remove').description('remove a rule').argument('<rule>', 'its number or id')
  change(remove, 'rule remove 3').action(async (named: string, options: ChangeOptions) => {
    const { core, show } = asking(shell, options)
    show(
      await core.ask<RulesOutcome>('POST', '/rules/remove', { rule: named, ...howOf(options) }),
      outcomeText,
    )
  })
}

function addCheck(rule: Command, shell: Shell): void {
  const check = rule
    .command('check')
    .description('judge a rules file without touching anything')
    .argument('[file]', 'default: the draft, else the rules in force')
  leaf(check, 'rule check new-rules.yaml').action(
    async (file: string | undefined, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const state = file === undefined ? await core.ask<RulesState>('GET', '/rules') : undefined
      const text = file === undefined ? (state?.draft ?? state?.text ?? '') : readFile(file)
      const answer = await core.ask<RulesCheck>('POST', '/rules/check', { text })
      show(answer, checkText)
      if (!answer.isValid) throw new ExitCode(1)
    },
  )
}

function stateText(state: RulesState, now: number, terminal: Terminal): string {
  const { defaults, undecided, pending, draft } = state
  const table = tableText(
    [
      { title: '#', isRight: true, cell: ({ number }) => (number === 0 ? '' : String(number)) },
      { title: 'ID', cell: ({ id }) => id },
      { title: 'PACKETS', isRight: true, cell: ({ packets }) => String(packets) },
      { title: 'BYTES', isRight: true, cell: ({ bytes }) => bytesText(bytes) },
      { title: 'RULE', canShrink: true, cell: ruleCell },
      { title: 'COMMENT', canShrink: true, cell: ({ comment }) => comment ?? '' },
    ],
    state.rules,
    terminal,
  )
  const rest = (['inbound', 'outbound', 'forward'] as const).map(
    (direction) => `Else ${direction}: ${defaults[direction]} (${undecided[direction]} packets)\n`,
  )
  const waits = pending
    ? `\nThey go back in ${durationText(pending.until - now)} unless you keep them: gatehouse confirm\n`
    : ''
  return `${table}\n${rest.join('')}${waits}${draft === undefined ? '' : '\nA draft waits: gatehouse rule check, gatehouse apply\n'}`
}

const ruleCell = ({ text, enabled, beyondPackets }: ShownRule): string =>
  `${enabled ? '' : '(off) '}${text}${beyondPackets ? ` [${beyondPackets} beyond]` : ''}`
