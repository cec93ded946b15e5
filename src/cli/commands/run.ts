import { InvalidArgumentError } from 'commander'
import { defineCommand, type RunOptions } from '../command.ts'

/** As commander gives them. */
interface Given {
  readonly config?: string
  readonly rules?: string
  readonly interface?: string[]
  readonly loopback?: boolean
  readonly port?: number
  readonly host?: string
  readonly stateDir?: string
  readonly socket?: string
  readonly dryRun?: boolean
  readonly page: boolean
}

export default defineCommand({
  order: 10,
  add(program, shell) {
    program
      .command('run')
      .description('watch, protect, and serve the page, until it is stopped')
      .option('-c, --config <file>', 'settings (default: /etc/gatehouse/config.yaml)')
      .option('-r, --rules <file>', 'firewall rules (default: /etc/gatehouse/rules.yaml)')
      .option('-i, --interface <names...>', 'watch only these interfaces')
      .option('--loopback', 'watch the loopback interface too')
      .option('-p, --port <number>', 'port of the page (default: 8090)', readPort)
      .option('--host <address>', 'address of the page (default: 127.0.0.1)')
      .option('--state-dir <folder>', 'where to remember (default: /var/lib/gatehouse)')
      .option('--socket <path>', 'socket file of the API (default: /run/gatehouse/api.sock)')
      .option('--no-page', 'no page and no web process')
      .option('--dry-run', 'watch and judge, but block nothing')
      .addHelpText('after', '\nExample:\n  $ sudo gatehouse run --interface eth0 --dry-run')
      .action((given: Given) => shell.run(runOptions(given)))
  },
})

function runOptions(given: Given): RunOptions {
  const { page, interface: interfaces, ...rest } = given
  return { ...rest, ...(interfaces && { interfaces }), ...(page ? {} : { page: false }) }
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new InvalidArgumentError('Use a number from 0 to 65535; 0 takes any free port.')
}
