import { Refused } from '#api/port.ts'
import type { RuleExchange } from '#api/rule-exchange-port.ts'
import type { RulesExport, RulesImport, RulesImported } from '#contract/rule-exchange.ts'
import type { RulesCheck } from '#contract/rules.ts'
import { withMarks } from '#enforce/program-classes-book.ts'
import { rulesetText } from '#enforce/rule-text.ts'
import { parsePlacedYaml } from '#lib/placed-yaml.ts'
import type { RuleBook } from '#model/rule.ts'
import { compile } from '#policy/rules/compile.ts'
import { draftOf, formatOf, readForeign, shownLine } from '#policy/rules/import/import.ts'

const MAX_LINES = 1_000

export interface RuleExchangeParts {
  readonly desk: {
    readonly standing: { readonly text: string; readonly book: RuleBook }
    check(text: string): RulesCheck
    draft(text: string): RulesCheck
  }
  /** Of the rules. */
  readonly table: string
  /** Bits of a mark that are the class of a program. */
  readonly markMask: number
  readonly now: () => number
}

/** Rules of other firewalls become drafts; ours become text for elsewhere. */
export function createRuleExchange({ desk, table, markMask, now }: RuleExchangeParts): RuleExchange {
  function written(format: RulesExport['format']): string {
    const { text, book } = desk.standing
    if (format === 'yaml') return text
    if (format === 'nft')
      return rulesetText(
        table,
        withMarks(compile(book, now()), markMask, () => []),
      )
    return `${JSON.stringify(parsePlacedYaml(text).values ?? {}, undefined, 2)}\n`
  }

  return {
    export: (format) => ({ format, text: written(format) }),
    import({ text: foreign, format: named, name, dryRun }: RulesImport): RulesImported {
      const format = named ?? formatOf(foreign)
      if (!format) {
        throw new Refused(
          400,
          'This looks like no ruleset that can be read.',
          'Say what it is: --format ufw, nft, iptables-save or list (addresses, one to a line).',
        )
      }
      const imported = readForeign(foreign, format, name)
      const { rules, lines } = imported
      if (rules.length === 0) throw nothingRead(format, lines[0])
      const text = draftOf(imported, format, desk.standing.text)
      const outcome = (wanted: string): number => lines.filter((line) => line.outcome === wanted).length
      return {
        format,
        text,
        rules: rules.length,
        mapped: outcome('mapped'),
        changed: outcome('changed'),
        skipped: outcome('skipped'),
        lines: lines
          .filter((line) => line.outcome !== 'mapped')
          .slice(0, MAX_LINES)
          .map((line) => ({ ...line, text: shownLine(line.text) })),
        check: dryRun ? desk.check(text) : desk.draft(text),
      }
    },
  }
}

function nothingRead(
  format: string,
  first: { readonly line: number; readonly note?: string } | undefined,
): Refused {
  const why = first?.note === undefined ? '' : ` Line ${first.line}: ${first.note}.`
  return new Refused(
    400,
    `No rule was found in it as ${format}.${why}`,
    'Look whether it is the right text, or say what it is with --format.',
  )
}
