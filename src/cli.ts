import { readFileSync } from 'node:fs'
import { socketCandidates } from '#lib/socket-paths.ts'
import { createCoreClient } from './cli/client.ts'
import type { Shell, Terminal } from './cli/command.ts'
import { runCommandLine } from './cli/program.ts'
import { readSecret } from './cli/read-secret.ts'

/** The command line. What runs the product itself is loaded only by the commands that do. */
const { env, stdin, stdout, stderr } = process

const terminal: Terminal = {
  write: (text) => void stdout.write(text),
  warn: (text) => void stderr.write(text),
  hasColour: stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  isInteractive: stdin.isTTY === true,
  readSecret: (prompt) => readSecret(prompt, stdin, (text) => void stderr.write(text)),
  ...(stdout.isTTY && { columns: stdout.columns }),
}

const shell: Shell = {
  terminal,
  now: Date.now,
  connect(socket = env['GATEHOUSE_SOCKET']) {
    const whose = { uid: process.getuid?.() ?? 0, runtimeFolder: env['XDG_RUNTIME_DIR'] }
    return createCoreClient(socket === undefined ? socketCandidates(whose) : [socket])
  },
  run: async (options) => (await import('./main.ts')).startDaemon(options),
  boot: async (options) => (await import('./boot.ts')).bootRules(options),
  replay: async (files, options) => (await import('./replay.ts')).replay([...files], options, stdout),
  selfTest: async (id) => (await import('./self-test.ts')).runSelfTests(id),
}

// A reader such as `head` that has enough closes the pipe: that is no fault.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
process.exitCode = await runCommandLine(process.argv.slice(2), shell, version)
