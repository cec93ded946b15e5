import type { ProgramIdentity, ProgramView } from '#contract/views.ts'
import { defineCommand, type Shell } from '../command.ts'
import { liveText, pastText } from '../connection-table.ts'
import { factsText } from '../facts.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'
import { reputationText } from '../reputation.ts'
import { bytesText, durationText } from '../words.ts'

export default defineCommand({
  order: 33,
  add(program, shell) {
    const command = program
      .command('program')
      .description('everything about one program')
      .argument('<program>', 'name, path or process id')
    leaf(command, 'program /usr/bin/curl').action(async (which: string, options: CommonOptions) => {
      const { core, show } = asking(shell, options)
      const path = `/program?program=${encodeURIComponent(which)}`
      show(await core.ask<ProgramView>('GET', path), (view) => programText(view, shell))
    })
  },
})

function programText(view: ProgramView, shell: Shell): string {
  const now = shell.now()
  const [newest, before] = view.files
  const hosts = view.firsts.filter(({ kind }) => kind === 'program-host').length
  const countries = view.firsts.flatMap(({ kind, peer }) =>
    kind === 'program-country' && peer ? [peer] : [],
  )
  const text = factsText([
    ['Program', view.paths.join(', ') || view.program],
    ['Processes', view.pids.join(', ')],
    ['Users', view.users.join(', ')],
    ['First seen', view.firstSeenAt === undefined ? '' : `${durationText(now - view.firstSeenAt)} ago`],
    ['Carried', `${view.flows} connections, ${bytesText(view.bytesIn)} in, ${bytesText(view.bytesOut)} out`],
    [
      'Counted',
      view.counted
        ? `${bytesText(view.counted.bytesIn)} in, ${bytesText(view.counted.bytesOut)} out, by the kernel, captured or not`
        : '',
    ],
    ['Hosts', hosts === 0 ? '' : `${hosts} seen`],
    ['Countries', countries.join(', ')],
    ['SHA-256', view.identity?.sha256 ?? view.identity?.because ?? ''],
    ['Package', packageText(view.identity)],
    ['Binary', newest && before ? `changed ${durationText(now - newest.firstAt)} ago` : ''],
    ['Blocked', view.blocks.map(({ target, reason }) => `${target} (${reason})`).join(', ')],
    ['Alerts', view.alerts.map(({ summary }) => summary).join('; ')],
  ])
  const live = view.live.length === 0 ? '' : `\nOpen now\n${liveText(view.live, now, shell.terminal)}`
  const recent = view.recent.length === 0 ? '' : `\nLast\n${pastText(view.recent, now, shell.terminal)}`
  const reputation = view.reputation ? `\n${reputationText(view.reputation)}` : ''
  return text + reputation + live + recent
}

function packageText(identity: ProgramIdentity | undefined): string {
  if (identity?.package === undefined) return identity?.packageBecause ?? ''
  const file = {
    unchanged: 'the file is as it came with it',
    changed: 'the file was CHANGED since',
    unknown: identity.packageBecause ?? 'not known whether the file is unchanged',
  }[identity.packageFile ?? 'unknown']
  return `${identity.package}: ${file}`
}
