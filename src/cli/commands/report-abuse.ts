import { Option } from 'commander'
import type { AbuseReport } from '#contract/intel.ts'
import { visibleText } from '#lib/visible-text.ts'
import { defineCommand } from '../command.ts'
import { asking, type CommonOptions, leaf } from '../leaf.ts'

interface ReportOptions extends CommonOptions {
  readonly category: AbuseReport['categories']
  readonly comment?: string
}

const CATEGORIES: AbuseReport['categories'] = [
  ...(['ddos', 'phishing', 'web-spam', 'email-spam', 'port-scan', 'hacking'] as const),
  ...(['sql-injection', 'brute-force', 'bad-bot', 'exploited-host', 'web-attack', 'ssh'] as const),
]

export default defineCommand({
  order: 103,
  add(program, shell) {
    const report = program
      .command('report-abuse')
      .description('report an address to AbuseIPDB, where you agreed to that: this leaves the machine')
      .argument('<address>', 'a public address that did you wrong')
    leaf(report, 'report-abuse 203.0.113.9 --category port-scan ssh')
      .addOption(new Option('--category <what...>', 'what it did').choices(CATEGORIES).makeOptionMandatory())
      .option('--comment <text>', 'what everybody will read there; name nothing of your own')
      .action(async (address: string, options: ReportOptions) => {
        const { core, show } = asking(shell, options)
        const { category: categories, comment } = options
        const body: AbuseReport = { address, categories, ...(comment !== undefined && { comment }) }
        show(
          await core.ask<{ sentence: string }>('POST', '/abuse-reports', body),
          ({ sentence }) => `${visibleText(sentence)}\n`,
        )
      })
  },
})
