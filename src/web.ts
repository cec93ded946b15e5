import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { dropPrivileges } from '#kernel/privilege.ts'
import { readCoreLines } from './web/core-lines.ts'
import { loadPage } from './web/page.ts'
import { createBoundedServer, createWebServer } from './web/server.ts'
import { WEB_EXIT, type WebReport, type WebStart } from './web/spawn-contract.ts'

/**
 * The web process: parses HTTP from the network and holds no privilege. Everything is loaded before root is given
 * up, so that it works from a checkout that only root can read; it listens after. The core starts it and speaks
 * to it as web/spawn-contract.ts says.
 */
const log = pino(
  { name: 'gatehouse-web', level: process.env['GATEHOUSE_LOG'] ?? 'info' },
  pino.destination(2),
)
const report = (line: WebReport): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

function fail(exitCode: number, reason: string, remedy: string): never {
  report({ kind: 'failed', reason, remedy })
  process.exit(exitCode)
}

const lines = readCoreLines(process.stdin, () => process.exit(0))
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {}) // The core says when to end.

const start = await lines.start.catch(() =>
  fail(
    WEB_EXIT.badStart,
    'The web process got no start line.',
    'Use gatehouse run: it starts the web process.',
  ),
)
const page = loadPage(start.pageFolder)
const user = giveUpRoot(start)
const server = createBoundedServer()

server.on('error', (error: NodeJS.ErrnoException) => {
  const place = `${start.host}:${start.port}`
  if (error.code === 'EADDRINUSE') {
    fail(
      WEB_EXIT.portTaken,
      `Another program already listens on ${place}.`,
      `Choose another port with --port, or see who has it: ss -ltnp 'sport = :${start.port}'`,
    )
  }
  const remedy =
    error.code === 'EACCES'
      ? 'Choose a port from 1024 up with --port: the web process has no privilege.'
      : 'Choose an address of this machine with --host.'
  fail(WEB_EXIT.cannotListen, `Cannot listen on ${place}: ${error.message}.`, remedy)
})
server.listen({ host: start.host, port: start.port, exclusive: true }, () => {
  const { port } = server.address() as AddressInfo
  const web = createWebServer({
    start,
    port,
    page,
    now: Date.now,
    onSignIn: (line) => ('refused' in line ? log.warn(line, 'sign-in refused') : log.info(line, 'signed in')),
    report,
    onAnswer: (line) => log.debug(line, 'answered'),
  })
  server.on('request', web.answer)
  lines.onNews(web.hear)
  const host = start.host.includes(':') ? `[${start.host}]` : start.host
  report({
    kind: 'listening',
    address: `http://${host}:${port}`,
    port,
    hasPage: page !== undefined,
    ...(user !== undefined && { user }),
  })
})

function giveUpRoot({ user }: WebStart): string | undefined {
  try {
    return dropPrivileges(user === undefined ? {} : { user }).user?.name
  } catch (error) {
    const hint = error instanceof Error && 'hint' in error ? String(error.hint) : 'Start Gatehouse as root.'
    return fail(WEB_EXIT.privilege, `The web process cannot give up root: ${(error as Error).message}.`, hint)
  }
}
