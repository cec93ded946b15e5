import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../test/support/daemon.ts'
import type { NamespaceHost } from '../../test/support/namespaces.ts'

/**
 * Programs that shut attackers out, each with the least settings that let it do so: told to block at once, to ask nobody
 * outside and to write no mail. What they read of packets is a log that ulogd writes, as the kernel's own log is of the
 * whole machine. All of their files are in `folder`.
 */
export interface Contender {
  readonly name: string
  /** What must be installed. */
  readonly programs: readonly string[]
  readonly settings: string
  /** So many closed ports of one source are enough for it, with these settings. */
  readonly enough: number
  /** Ready when it settles. */
  start(server: NamespaceHost, folder: string): Promise<Running>
}

export interface Running {
  /** What it has said so far: one text for each alert, line or record, in its own words. */
  told(): Promise<readonly string[]>
  /** What it leaves running ends with the stage. */
  end(): Promise<void>
}

export const READY_WITHIN_MS = 60_000

/** For those that end with the stage and say what they say in files. */
export const toldInFiles = (files: () => readonly string[]): Running => ({
  told: async () => linesOf(files()),
  end: async () => undefined,
})

/** Of those that are there: none is before there is something to say. */
const linesOf = (files: readonly string[]): string[] =>
  files.flatMap((file) => textOf(file).split('\n').filter(Boolean))

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** New connections to all but the web server, one line each, as the kernel would write them. Answers the file. */
export async function logPackets(server: NamespaceHost, folder: string): Promise<string> {
  const rule = ['-p', 'tcp', '--syn', '!', '--dport', '80', '-j', 'NFLOG', '--nflog-group', '5']
  server.run('iptables', '-A', 'INPUT', ...rule, '--nflog-prefix', 'kernel: DROP ')
  const log = join(folder, 'packets.log')
  writeFileSync(log, '')
  const plugins = execFileSync('sh', ['-c', 'ls -d /usr/lib/*/ulogd /usr/lib/ulogd 2>/dev/null | head -1'], {
    encoding: 'utf8',
  }).trim()
  const parts = [
    'inppkt_NFLOG',
    'raw2packet_BASE',
    'filter_IFINDEX',
    'filter_IP2STR',
    'filter_PRINTPKT',
    'output_LOGEMU',
  ]
  const config = join(folder, 'ulogd.conf')
  writeFileSync(
    config,
    [
      `[global]\nlogfile="${join(folder, 'ulogd.log')}"`,
      ...parts.map((part) => `plugin="${plugins}/ulogd_${part}.so"`),
      'stack=log1:NFLOG,base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,print1:PRINTPKT,emu1:LOGEMU',
      `[log1]\ngroup=5\n[emu1]\nfile="${log}"\nsync=1\n`,
    ].join('\n'),
  )
  const words = (): string => readFileSync(join(folder, 'ulogd.log'), 'utf8')
  server.start('ulogd', '-c', config)
  await until(
    'ulogd listens',
    () => tries(words) && words().includes('building new pluginstance stack'),
    READY_WITHIN_MS,
  )
  return log
}

export function tries(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}
