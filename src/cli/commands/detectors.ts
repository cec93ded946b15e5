import type { DetectorState } from '#contract/detectors.ts'
import { defineCommand, type Terminal } from '../command.ts'
import { Failure } from '../failure.ts'
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
  },
})

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
