import { type Command, Option } from 'commander'
import type { DetectorState } from '#contract/detectors.ts'
import type { SelfTestOutcome } from '#contract/self-test.ts'
import { visibleJson } from '#lib/visible-text.ts'
import { defineCommand, type Shell, type Terminal } from '../command.ts'
import { ExitCode, Failure } from '../failure.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { tableText } from '../table.ts'

export default defineCommand({
  order: 95,
  add(program, shell) {
    const detectors = program.command('detectors').description('what is watched for, and by which limits')
    const list = detectors.command('list', { isDefault: true }).description('every detector')
    leaf(list, 'detectors').action(async (options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const all = await core.ask<DetectorState[]>('GET', '/detectors')
      show(all, (states) => listText(states, shell.terminal))
    })
    const show = detectors
      .command('show')
      .description('one detector: its settings, and where each value comes from')
      .argument('<id>', 'its id, such as port-scan')
    leaf(show, 'detectors show port-scan').action(async (id: string, options: CommonOptions) => {
      const { core, show: showOne } = asking(shell, options)
      const all = await core.ask<DetectorState[]>('GET', '/detectors')
      const state = all.find((one) => one.id === id)
      if (!state) throw new Failure(`There is no detector ${id}.`, 'See gatehouse detectors.', 2)
      showOne(state, (one) => settingsText(one, shell.terminal))
    })
    addSelfTest(detectors, shell)
  },
})

/** Asks no core: the engine is run here, on packets that are the same each time. */
function addSelfTest(detectors: Command, { terminal, selfTest }: Shell): void {
  detectors
    .command('test')
    .description('run the self-tests: what each must find, and what it must not')
    .argument('[id]', 'of one detector only')
    .addOption(
      new Option('-o, --output <format>', 'how to answer').choices(['human', 'json']).default('human'),
    )
    .addHelpText('after', '\nExample:\n  $ gatehouse detectors test port-scan')
    .action(async (id: string | undefined, { output }: Pick<CommonOptions, 'output'>) => {
      const outcomes = await selfTest(id)
      if (outcomes.length === 0)
        throw new Failure(`There is no detector ${id}.`, 'See gatehouse detectors.', 2)
      terminal.write(output === 'json' ? `${visibleJson(outcomes, 2)}\n` : outcomesText(outcomes, terminal))
      if (outcomes.some(({ isPassed }) => !isPassed)) throw new ExitCode(1)
    })
}

function outcomesText(outcomes: readonly SelfTestOutcome[], terminal: Terminal): string {
  const failed = outcomes.filter(({ isPassed }) => !isPassed).map(({ id }) => id)
  const table = tableText(
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'MUST FIRE', cell: ({ fires }) => (fires.isPassed ? 'fires' : 'FAILED: silent') },
      {
        title: 'MUST NOT',
        cell: ({ staysSilent }) => (staysSilent.isPassed ? 'silent' : 'FAILED: fires'),
      },
      {
        title: 'SAID',
        canShrink: true,
        cell: ({ fires, staysSilent }) => staysSilent.said ?? fires.said ?? '',
      },
    ],
    outcomes,
    terminal,
  )
  const sum = failed.length === 0 ? 'all as they must' : `failed: ${failed.join(', ')}`
  return `${table}${outcomes.length} detectors, ${sum}\n`
}

function listText(states: readonly DetectorState[], terminal: Terminal): string {
  return tableText(
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'WATCHES FOR', canShrink: true, cell: ({ title }) => title },
      { title: 'TECHNIQUE', cell: ({ technique }) => technique },
      { title: 'MODE', cell: ({ mode }) => mode },
      { title: 'CHANGED', canShrink: true, cell: changedText },
    ],
    states,
    terminal,
  )
}

const changedText = ({ settings }: DetectorState): string =>
  settings
    .filter(({ from }) => from !== 'default')
    .map(({ name, value, from }) => `${name} = ${valueText(value)} (${from})`)
    .join(', ')

function settingsText({ settings }: DetectorState, terminal: Terminal): string {
  return tableText(
    [
      { title: 'SETTING', cell: ({ name }) => name },
      { title: 'VALUE', canShrink: true, cell: ({ value }) => valueText(value) },
      { title: 'FROM', cell: ({ from }) => from },
      { title: 'MEANS', canShrink: true, cell: ({ description }) => description },
    ],
    settings,
    terminal,
  )
}

const valueText = (value: DetectorState['settings'][number]['value']): string => JSON.stringify(value)
