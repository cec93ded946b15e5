import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { RulesExport, RulesImported } from '#contract/rule-exchange.ts'
import { visibleText } from '#lib/visible-text.ts'
import type { Shell } from './command.ts'
import { Failure } from './failure.ts'
import { asking, type CommonOptions, leaf, withDryRun } from './leaf.ts'
import { checkText, readFile } from './rule-words.ts'

interface ImportOptions extends CommonOptions {
  readonly format?: string
  readonly name?: string
  readonly dryRun?: boolean
}

interface ExportOptions extends CommonOptions {
  readonly format: RulesExport['format']
  readonly file?: string
}

/** Adds `rule import` and `rule export`. */
export function addRuleExchange(rule: Command, shell: Shell): void {
  const taking = rule
    .command('import')
    .description('make a draft of the rules of ufw, nft or iptables, or of a plain list; nothing is applied')
    .argument('<file>', 'what iptables-save, nft list ruleset or ufw status printed, user.rules, or a list')
  withDryRun(leaf(taking, 'rule import /etc/ufw/user.rules'))
    .addOption(
      new Option('--format <format>', 'what the file is (default: told by its text)').choices([
        'ufw',
        'nft',
        'iptables-save',
        'list',
      ]),
    )
    .option('--name <name>', 'of the list that a plain list becomes (default: imported)')
    .action(async (file: string, { format, name, dryRun, ...options }: ImportOptions) => {
      const { core, show } = asking(shell, options)
      const request = {
        text: readFile(file),
        ...(format !== undefined && { format }),
        ...(name !== undefined && { name }),
        ...(dryRun && { dryRun }),
      }
      show(await core.ask<RulesImported>('POST', '/rules/import', request), importedText)
    })

  const giving = rule.command('export').description('print the rules in force, for elsewhere')
  leaf(giving, 'rule export --format nft')
    .addOption(
      new Option('--format <format>', 'as YAML with comments, JSON, or as nft -f reads them')
        .choices(['yaml', 'json', 'nft'])
        .default('yaml'),
    )
    .option('--file <file>', 'write it there instead')
    .action(async ({ format, file, ...options }: ExportOptions) => {
      const { core, show } = asking(shell, options)
      const exported = await core.ask<RulesExport>('GET', `/rules/export?format=${format}`)
      if (file === undefined) show(exported, ({ text }) => text)
      else writeTo(file, exported.text)
    })
}

function writeTo(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new Failure(`${file} cannot be written: ${(error as Error).message}.`, 'Give another path.')
  }
}

function importedText({ format, rules, mapped, changed, skipped, lines, check }: RulesImported): string {
  const said = lines.map(
    ({ line, outcome, text, note }) =>
      `${outcome === 'skipped' ? 'left out' : 'changed '}  line ${line}: ${text}${note === undefined ? '' : `\n          ${note}`}`,
  )
  const sum = `Read as ${format}: ${rules === 1 ? '1 rule' : `${rules} rules`}; ${mapped} lines as they are, ${changed} changed, ${skipped} left out.`
  return `${said.map((line) => `${line.split('\n').map(visibleText).join('\n')}\n`).join('')}${sum}\n${checkText(check)}Nothing is applied: look at it with gatehouse simulate, then gatehouse apply --confirm 60s\n`
}
