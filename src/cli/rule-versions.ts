import type { Command } from 'commander'
import { compareLines } from '#contract/compared-lines.ts'
import type { RuleVersion, RuleVersions, RuleVersionText } from '#contract/rule-versions.ts'
import type { RulesCheck, RulesState } from '#contract/rules.ts'
import { visibleText } from '#lib/visible-text.ts'
import type { Shell } from './command.ts'
import { type Asking, asking, type CommonOptions, leaf } from './leaf.ts'
import { checkText } from './rule-words.ts'
import { tableText } from './table.ts'
import { bytesText, readId } from './words.ts'

const VERSIONS = 'gatehouse rule versions'
/** Lines around a change that are shown with it. */
const AROUND = 3
const SIGNS = { same: ' ', added: '+', removed: '-' } as const

/** Adds `rule versions`, `rule diff` and `rule restore`. */
export function addRuleVersions(rule: Command, shell: Shell): void {
  const list = rule
    .command('versions')
    .description('every version of the rules that was in force, newest first')
  leaf(list, 'rule versions').action(async (options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    show(await core.ask<RuleVersions>('GET', '/rules/versions'), ({ versions }) =>
      versionsText(versions, shell),
    )
  })

  const diff = rule
    .command('diff')
    .description('what differs between two versions, or between one and the rules in force')
    .argument('<from>', 'number of a version, or "draft"')
    .argument('[to]', 'the same (default: the rules in force)')
  leaf(diff, 'rule diff 3 5').action(async (from: string, to: string | undefined, options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    const [before, after] = [await textOf(core, from), await textOf(core, to)]
    show({ lines: compareLines(before, after) }, ({ lines }) => linesText(lines))
  })

  const restore = rule
    .command('restore')
    .description('make an old version the draft; nothing is applied')
    .argument('<version>', 'its number')
  leaf(restore, 'rule restore 3').action(async (version: string, options: CommonOptions) => {
    const { core, show } = asking(shell, options)
    const path = `/rules/versions/${readId(version, VERSIONS)}/restore`
    show(
      await core.ask<RulesCheck>('POST', path),
      (check) =>
        `${checkText(check)}Version ${version} is the draft now: look at it with gatehouse simulate, then gatehouse apply --confirm 60s\n`,
    )
  })
}

async function textOf(core: Asking['core'], named: string | undefined): Promise<string> {
  if (named !== undefined && named !== 'draft') {
    const path = `/rules/versions/${readId(named, VERSIONS)}`
    return (await core.ask<RuleVersionText>('GET', path)).text
  }
  const { text, draft } = await core.ask<RulesState>('GET', '/rules')
  return named === 'draft' ? (draft ?? text) : text
}

const versionsText = (versions: readonly RuleVersion[], { terminal }: Shell): string =>
  versions.length === 0
    ? 'No rules were in force yet.\n'
    : tableText(
        [
          { title: '#', isRight: true, cell: ({ number }) => String(number) },
          { title: '', cell: ({ isInForce }) => (isInForce ? 'in force' : '') },
          { title: 'WHEN', cell: ({ at }) => new Date(at).toISOString().replace('T', ' ').slice(0, 19) },
          { title: 'BY', canShrink: true, cell: ({ actor }) => actor },
          { title: 'SIZE', isRight: true, cell: ({ bytes }) => bytesText(bytes) },
          { title: 'WHY', canShrink: true, cell: ({ reason }) => reason },
        ],
        versions,
        terminal,
      )

/** Changed lines with those around them; what is left out is a line of its own. */
function linesText(lines: ReturnType<typeof compareLines>): string {
  const changed = lines.flatMap(({ kind }, at) => (kind === 'same' ? [] : [at]))
  if (changed.length === 0) return 'They are the same.\n'
  let next = 0
  let isGap = false
  let text = ''
  for (const [at, { kind, text: line }] of lines.entries()) {
    while ((changed[next] ?? Number.POSITIVE_INFINITY) + AROUND < at) next++
    const isShown = Math.abs((changed[next] ?? Number.POSITIVE_INFINITY) - at) <= AROUND
    if (isShown) text += `${SIGNS[kind]} ${visibleText(line)}\n`
    else if (!isGap) text += '  …\n'
    isGap = !isShown
  }
  return text
}
