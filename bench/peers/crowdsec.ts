import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { until } from '../../test/support/daemon.ts'
import type { NamespaceHost } from '../../test/support/namespaces.ts'
import { type Contender, logPackets, READY_WITHIN_MS, toldInFiles } from './contender.ts'

/** What Debian's package brings of the hub: nothing is fetched. */
const HUB = '/usr/share/crowdsec/hub'
const HUB_PARTS = ['blockers', 'collections', 'parsers', 'postoverflows', 'scenarios', '.index.json']
/** The collection crowdsecurity/iptables, and what it stands on. */
const ITEMS = [
  'parsers/s00-raw/crowdsecurity/syslog-logs.yaml',
  'parsers/s01-parse/crowdsecurity/iptables-logs.yaml',
  'parsers/s02-enrich/crowdsecurity/dateparse-enrich.yaml',
  'scenarios/crowdsecurity/iptables-scan-multi_ports.yaml',
]
const API = 'http://127.0.0.1:8080/'
/** Between CrowdSec and its bouncer, inside a namespace that is gone afterwards. */
const KEY = 'bench'

export const crowdsec: Contender = {
  name: 'crowdsec',
  programs: ['crowdsec', 'cscli', 'crowdsec-firewall-bouncer', 'iptables', 'ulogd'],
  settings:
    'its own iptables collection without its list of allowed private networks, a bouncer that asks once a second',
  enough: 16,
  async start(server, folder) {
    const log = await logPackets(server, folder)
    const root = join(folder, 'crowdsec')
    furnish(root, log)
    const [config, bouncer, told] = [
      join(root, 'config.yaml'),
      join(root, 'bouncer.yaml'),
      join(root, 'crowdsec.log'),
    ]
    const machine = ['machines', 'add', 'bench', '--password', KEY, '--url', API]
    server.run('cscli', '-c', config, ...machine, '-f', join(root, 'machine.yaml'))
    server.run('cscli', '-c', config, 'bouncers', 'add', 'bench', '-k', KEY)
    const hears = (file: string, words: string) => (): boolean => readFileSync(file, 'utf8').includes(words)
    beginInto(told, server, ['crowdsec', '-c', config])
    await until('crowdsec reads its log', hears(told, 'Starting processing data'), READY_WITHIN_MS)
    const asked = join(root, 'bouncer.log')
    beginInto(asked, server, ['crowdsec-firewall-bouncer', '-c', bouncer])
    await until('its bouncer asks', hears(asked, 'Processing new and deleted decisions'), READY_WITHIN_MS)
    return toldInFiles(() => [told])
  },
}

function beginInto(file: string, server: NamespaceHost, command: readonly string[]): void {
  writeFileSync(file, '')
  server.start('sh', '-c', 'file=$1; shift; exec "$@" >"$file" 2>&1', 'sh', file, ...command)
}

function furnish(root: string, log: string): void {
  const hub = join(root, 'hub')
  for (const path of [hub, join(root, 'data')]) mkdirSync(path, { recursive: true })
  for (const part of HUB_PARTS) symlinkSync(join(HUB, part), join(hub, part))
  for (const item of ITEMS) {
    // Where items are in use, the folder of their author is left out.
    const place = join(root, dirname(dirname(item)))
    mkdirSync(place, { recursive: true })
    symlinkSync(join(hub, item), join(place, basename(item)))
  }
  for (const name of ['patterns', 'profiles.yaml', 'simulation.yaml'])
    cpSync(join('/etc/crowdsec', name), join(root, name), { recursive: true })
  for (const [name, text] of Object.entries(configs(root, log))) writeFileSync(join(root, name), text)
}

/** YAML by file. Without `online_client` it knows nobody outside. */
const configs = (root: string, log: string): Readonly<Record<string, string>> => ({
  'machine.yaml': '',
  'acquis.yaml': `filenames: [${log}]\nlabels: { type: syslog }\n`,
  'config.yaml': `
common: { daemonize: false, log_media: stdout, log_level: info, working_dir: ${root} }
config_paths:
  config_dir: ${root}/
  data_dir: ${root}/data/
  simulation_path: ${root}/simulation.yaml
  hub_dir: ${root}/hub/
  index_path: ${root}/hub/.index.json
crowdsec_service: { acquisition_path: ${root}/acquis.yaml, parser_routines: 1 }
cscli: { output: human }
db_config: { type: sqlite, db_path: ${root}/data/crowdsec.db, use_wal: true }
api:
  client: { credentials_path: ${root}/machine.yaml }
  server: { listen_uri: '127.0.0.1:8080', profiles_path: ${root}/profiles.yaml }
prometheus: { enabled: false }
`,
  'bouncer.yaml': `
mode: nftables
pid_dir: ${root}/
update_frequency: 1s
daemonize: false
log_mode: stdout
log_level: info
api_url: ${API}
api_key: ${KEY}
deny_action: DROP
supported_decisions_types: [ban]
blacklists_ipv4: crowdsec-blacklists
nftables:
  ipv4: { enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain }
  ipv6: { enabled: false }
disable_ipv6: true
prometheus: { enabled: false }
`,
})
