import { Option } from 'commander'
import { defineCommand } from '../command.ts'
import { ExitCode } from '../failure.ts'

export default defineCommand({
  order: 100,
  add(program, shell) {
    program
      .command('replay')
      .description('read captures through the same engine, with the capture’s own clock')
      .argument('<files...>', 'pcap or pcapng, also gzipped')
      .addOption(
        new Option('-o, --output <format>', 'how to answer').choices(['human', 'eve']).default('human'),
      )
      .addHelpText('after', '\nExample:\n  $ gatehouse replay attack.pcapng -o eve | jq .alert')
      .action(async (files: string[], options: { output: 'human' | 'eve' }) => {
        const code = await shell.replay(files, options)
        if (code !== 0) throw new ExitCode(code)
      })
  },
})
