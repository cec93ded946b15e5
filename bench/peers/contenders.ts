import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Alert, Page } from '#contract/schemas.ts'
import { createCoreClient } from '../../src/cli/client.ts'
import { removeFolder, startDaemon, until } from '../../test/support/daemon.ts'
import { type Contender, logPackets, READY_WITHIN_MS, toldInFiles, tries } from './contender.ts'
import { crowdsec } from './crowdsec.ts'

const gatehouse: Contender = {
  name: 'gatehouse',
  programs: ['nft'],
  settings: 'as it comes',
  enough: 6,
  async start(server) {
    const daemon = await startDaemon({ namespace: server.namespace })
    const core = createCoreClient([join(daemon.folder, 'run', 'api.sock')])
    return {
      async told() {
        const { items } = await core.ask<Page<Alert>>('GET', '/alerts?limit=500')
        return items.map(({ summary, evidence }) => `${summary} ${(evidence.hosts ?? []).join(' ')}`.trim())
      },
      async end() {
        await daemon.stop()
        removeFolder(daemon.folder)
      },
    }
  },
}

const fail2ban: Contender = {
  name: 'fail2ban',
  programs: ['fail2ban-server', 'iptables', 'ulogd'],
  settings: 'a jail for closed ports, 5 in 10 minutes as its defaults are',
  enough: 5,
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
    // `ignoreself` would ask the DNS for its own names first, for twenty seconds where nobody answers.
    writeFileSync(
      join(config, 'jail.d', 'bench.conf'),
      `[closed-ports]\nenabled = true\nfilter = closed-ports\nlogpath = ${log}\nbantime = 600\nignoreself = false\nbanaction = iptables-allports\naction = %(banaction)s[name=%(__name__)s, port="%(port)s", protocol=all, chain="%(chain)s"]\n`,
    )
    const [socket, told] = [join(folder, 'fail2ban.sock'), join(folder, 'fail2ban.log')]
    const flags = ['-c', config, '-s', socket, '-p', join(folder, 'fail2ban.pid')]
    server.start('fail2ban-server', ...flags, '--logtarget', told, '-xf', 'start')
    const hasJail = (): boolean =>
      tries(() => server.run('fail2ban-client', ...flags, 'status', 'closed-ports'))
    await until('fail2ban has its jail', hasJail, READY_WITHIN_MS)
    return {
      ...toldInFiles(() => [told]),
      end: async () => void tries(() => server.run('fail2ban-client', ...flags, 'stop')),
    }
  },
}

/** What it read, not what it says of it. */
const PACKETS_OF_PSAD = 'fwdata'

const psad: Contender = {
  name: 'psad',
  programs: ['psad', 'iptables', 'ulogd'],
  settings: 'blocks from danger level 1, looks once a second',
  enough: 5,
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
    await until('psad runs', () => existsSync(status), READY_WITHIN_MS)
    // It begins at the end of its log, some time after it wrote its pid.
    await sleep(4_000)
    const folderOfWords = join(root, 'var/log/psad')
    return toldInFiles(() =>
      readdirSync(folderOfWords, { recursive: true, encoding: 'utf8' })
        .filter((name) => name !== PACKETS_OF_PSAD)
        .map((name) => join(folderOfWords, name)),
    )
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
  enough: 1,
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
    return toldInFiles(() => ['history', 'blocked'].map((name) => join(config, `portsentry.${name}`)))
  },
}

/** In the order in which they are printed: ours first. */
export const CONTENDERS: readonly Contender[] = [gatehouse, portsentry, fail2ban, psad, crowdsec]
