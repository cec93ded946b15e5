import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeFolder, startDaemon } from '../../test/support/daemon.ts'
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
  /** Ready when it settles. The answer ends it; what it leaves running ends with the stage. */
  start(server: NamespaceHost, folder: string): Promise<() => Promise<void>>
}

const READY_WITHIN_MS = 60_000
const nothing = async (): Promise<void> => undefined

const gatehouse: Contender = {
  name: 'gatehouse',
  programs: ['nft'],
  settings: 'as it comes',
  async start(server) {
    const daemon = await startDaemon({ namespace: server.namespace })
    return async () => {
      await daemon.stop()
      removeFolder(daemon.folder)
    }
  },
}

const fail2ban: Contender = {
  name: 'fail2ban',
  programs: ['fail2ban-server', 'iptables', 'ulogd'],
  settings: 'a jail for 6 closed ports in a minute',
  async start(server, folder) {
    const log = await logPackets(server, folder)
    const config = join(folder, 'fail2ban')
    cpSync('/etc/fail2ban', config, { recursive: true })
    writeFileSync(
      join(config, 'filter.d', 'closed-ports.conf'),
      '[Definition]\nfailregex = DROP .* SRC=<HOST> .* SYN\n',
    )
    // What an earlier run blocked is not to be blocked again.
    writeFileSync(join(config, 'fail2ban.local'), '[Definition]\ndbfile = None\n')
    for (const file of ['jail.d/defaults-debian.conf', 'jail.local']) writeFileSync(join(config, file), '')
    writeFileSync(
      join(config, 'jail.d', 'bench.conf'),
      `[closed-ports]\nenabled = true\nfilter = closed-ports\nlogpath = ${log}\nmaxretry = 6\nfindtime = 60\nbantime = 600\nbanaction = iptables-allports\naction = %(banaction)s[name=%(__name__)s, port="%(port)s", protocol=all, chain="%(chain)s"]\n`,
    )
    const socket = join(folder, 'fail2ban.sock')
    const flags = ['-c', config, '-s', socket, '-p', join(folder, 'fail2ban.pid')]
    server.start('fail2ban-server', ...flags, '--logtarget', join(folder, 'fail2ban.log'), '-xf', 'start')
    await until('fail2ban has its jail', () =>
      tries(() => server.run('fail2ban-client', ...flags, 'status', 'closed-ports')),
    )
    return async () => void tries(() => server.run('fail2ban-client', ...flags, 'stop'))
  },
}

const psad: Contender = {
  name: 'psad',
  programs: ['psad', 'iptables', 'ulogd'],
  settings: 'blocks from danger level 1, looks once a second',
  async start(server, folder) {
    const log = await logPackets(server, folder)
    const root = join(folder, 'psad')
    for (const path of ['var/log/psad', 'var/run/psad', 'var/lib/psad', 'etc'])
      mkdirSync(join(root, path), { recursive: true })
    cpSync('/etc/psad', join(root, 'etc/psad'), { recursive: true })
    const chosen: Readonly<Record<string, string>> = {
      ...{ HOSTNAME: 'bench', INSTALL_ROOT: root, PSAD_LIBS_DIR: '/usr/lib/psad', IPT_SYSLOG_FILE: log },
      ...{
        ENABLE_AUTO_IDS: 'Y',
        AUTO_IDS_DANGER_LEVEL: '1',
        CHECK_INTERVAL: '1',
        ALERTING_METHODS: 'noemail',
      },
      ...{ ENABLE_WHOIS_LOOKUPS: 'N', ENABLE_DNS_LOOKUPS: 'N', ENABLE_DSHIELD_ALERTS: 'N' },
      ...{ AUTO_DETECT_JOURNALCTL: 'N', ENABLE_FW_LOGGING_CHECK: 'N', ENABLE_AUTO_IDS_EMAILS: 'N' },
    }
    const file = join(root, 'etc/psad/psad.conf')
    writeFileSync(file, withSettings(readFileSync(file, 'utf8'), chosen))
    server.start('psad', '-c', file, '--no-daemon')
    const status = join(root, 'var/run/psad/psad.pid')
    await until('psad runs', () => existsSync(status))
    // It begins at the end of its log, some time after it wrote its pid.
    await sleep(4_000)
    return nothing
  },
}

const withSettings = (text: string, chosen: Readonly<Record<string, string>>): string =>
  Object.entries(chosen).reduce(
    (config, [name, value]) => config.replace(new RegExp(`^${name} .*$`, 'm'), `${name} ${value};`),
    text,
  )

const portsentry: Contender = {
  name: 'portsentry',
  programs: ['portsentry', 'iptables'],
  settings: 'advanced stealth below port 1024, where the first packet counts',
  async start(server, folder) {
    const config = join(folder, 'portsentry')
    cpSync('/etc/portsentry', config, { recursive: true })
    for (const name of ['ignore', 'history', 'blocked']) writeFileSync(join(config, `portsentry.${name}`), '')
    const file = join(config, 'portsentry.conf')
    const kept = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !/^(BLOCK_|KILL_|HISTORY_FILE|BLOCKED_FILE|IGNORE_FILE)/.test(line))
    writeFileSync(
      file,
      [
        ...kept,
        ...['ignore', 'history', 'blocked'].map(
          (name) => `${name.toUpperCase()}_FILE="/etc/portsentry/portsentry.${name}"`,
        ),
        'BLOCK_TCP="1"',
        `KILL_ROUTE="/usr/sbin/iptables -I INPUT -s $TARGET$ -j DROP"`,
        '',
      ].join('\n'),
    )
    // `ip netns exec` gives a namespace of mounts of its own: the machine's folder stays as it is.
    server.run('sh', '-c', `mount --bind ${config} /etc/portsentry && exec portsentry -atcp`)
    await sleep(2_000)
    return nothing
  },
}

/** In the order in which they are printed: ours first. */
export const CONTENDERS: readonly Contender[] = [gatehouse, portsentry, fail2ban, psad]

/** New connections to all but the web server, one line each, as the kernel would write them. Answers the file. */
async function logPackets(server: NamespaceHost, folder: string): Promise<string> {
  const rule = ['-p', 'tcp', '--syn', '!', '--dport', '80', '-j', 'NFLOG', '--nflog-group', '5']
  server.run('iptables', '-A', 'INPUT', ...rule, '--nflog-prefix', 'DROP ')
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
  await until('ulogd listens', () => tries(words) && words().includes('building new pluginstance stack'))
  return log
}

function tries(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}

async function until(what: string, is: () => boolean): Promise<void> {
  const endsAt = performance.now() + READY_WITHIN_MS
  while (!is()) {
    if (performance.now() > endsAt) throw new Error(`not within ${READY_WITHIN_MS / 1000} s: ${what}`)
    await sleep(200)
  }
}
