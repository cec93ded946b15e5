import type { Command } from 'commander'
import type { RuleEdit, RulesRead } from '#contract/rule-drafting.ts'
import type { Shell } from './command.ts'
import { Failure } from './failure.ts'
import { asking, type CommonOptions, leaf, withDryRun } from './leaf.ts'
import { checkText, readRuleNumber } from './rule-words.ts'

interface EditOptions extends CommonOptions {
  readonly dryRun?: boolean
}

const RULE = '"deny 23/tcp", or the keys of the file as JSON'

/** Adds `rule draft`: the same edits as in the list of the page. */
export function addRuleDraft(rule: Command, shell: Shell): void {
  const draft = rule
    .command('draft')
    .description('edit the draft: nothing of it is in force before gatehouse apply')

  const add = draft.command('add').description('add a rule').argument('<rule>', RULE)
  edit(add, 'rule draft add "deny 23/tcp" --at 2')
    .option('--at <number>', 'its number (default: the last)', readRuleNumber)
    .action((written: string, options: EditOptions & { readonly at?: number }) =>
      send(shell, options, {
        kind: 'add',
        rule: readRule(written),
        ...(options.at !== undefined && { at: options.at }),
      }),
    )

  const replace = draft.command('replace').description('write a rule anew')
  edit(
    replace.argument('<number>', 'of the rule', readRuleNumber).argument('<rule>', RULE),
    'rule draft replace 3 "deny 23/tcp"',
  ).action((number: number, written: string, options: EditOptions) =>
    send(shell, options, { kind: 'replace', number, rule: readRule(written) }),
  )

  const move = draft.command('move').description('give a rule another place')
  edit(
    move.argument('<number>', 'of the rule', readRuleNumber).argument('<to>', 'its new one', readRuleNumber),
    'rule draft move 3 1',
  ).action((number: number, to: number, options: EditOptions) =>
    send(shell, options, { kind: 'move', number, to }),
  )

  const simple = (verb: string, about: string, editOf: (number: number) => RuleEdit): void => {
    const command = draft.command(verb).description(about).argument('<number>', 'of the rule', readRuleNumber)
    edit(command, `rule draft ${verb} 3`).action((number: number, options: EditOptions) =>
      send(shell, options, editOf(number)),
    )
  }
  simple('remove', 'take a rule out', (number) => ({ kind: 'remove', number }))
  simple('on', 'switch a rule on', (number) => ({ kind: 'enable', number, enabled: true }))
  simple('off', 'switch a rule off; it stays in the file', (number) => ({
    kind: 'enable',
    number,
    enabled: false,
  }))
}

const edit = (command: Command, example: string): Command => withDryRun(leaf(command, example))

async function send(shell: Shell, options: EditOptions, change: RuleEdit): Promise<void> {
  const { core, show } = asking(shell, options)
  const request = { edits: [change], ...(options.dryRun && { dryRun: true }) }
  show(await core.ask<RulesRead>('POST', '/rules/edit', request), ({ check }) =>
    options.dryRun
      ? checkText(check)
      : `${checkText(check)}It is in the draft: look at it with gatehouse rule diff draft, then gatehouse apply --confirm 60s\n`,
  )
}

/** The short form, or the keys of the file as one JSON object. */
function readRule(written: string): string | Record<string, unknown> {
  if (!written.trimStart().startsWith('{')) return written
  try {
    return JSON.parse(written) as Record<string, unknown>
  } catch (error) {
    throw new Failure(`This rule is no JSON: ${(error as Error).message}.`, `Write ${RULE}.`, 2)
  }
}
