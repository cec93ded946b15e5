import { tmpdir } from 'node:os'
import type { NamespaceHost } from '../../test/support/namespaces.ts'
import { arpLies, otherLease, redirects, tunnelInPings } from './frames.ts'

/** Who takes part in an attack. */
export interface Cast {
  readonly server: NamespaceHost
  readonly attacker: NamespaceHost
  /** Hosts that do nothing wrong. */
  readonly innocent: NamespaceHost
}

/** One row of the matrix. */
export interface Scenario {
  readonly name: string
  /** The program that must be there; absent: a script of ours. */
  readonly tool?: string
  /** Detector and kinds of which one is right. */
  readonly detector: string
  readonly kinds: readonly string[]
  /** `victim`: nobody can be named, and nobody may be blocked. `watch`: told, and no block is right. */
  readonly blames: 'attacker' | 'victim' | 'watch'
  readonly seconds: number
  /** The wire is heard so long before: some detectors take who is busy when they come for somebody at work. */
  readonly quietSeconds?: number
  /** A shell command of the attacker, or frames that it sends as they are. */
  command?(cast: Cast): string
  frames?(cast: Cast): readonly (readonly Uint8Array[])[]
}

const scriptPath = new URL('./attackers.ts', import.meta.url).pathname
const NMAP = 'nmap -n -Pn --disable-arp-ping'

function nmap(options: string, kind: string, detector = 'port-scan'): Scenario {
  return {
    ...{ name: `nmap ${options}`, tool: 'nmap', detector, kinds: [kind], blames: 'attacker', seconds: 12 },
    command: ({ server }) => `${NMAP} ${options} ${server.ip4}`,
  }
}

function flood(name: string, options: string, kind: string): Scenario {
  return {
    ...{ name: `hping3 ${name}`, tool: 'hping3', detector: 'flood', kinds: [kind], seconds: 6 },
    blames: options.includes('--rand-source') ? 'victim' : 'attacker',
    command: ({ server }) => `hping3 -q ${options} ${server.ip4}`,
  }
}

function slow(name: string, options: string, kind: string): Scenario {
  return {
    ...{ name: `slowhttptest ${name}`, tool: 'slowhttptest', detector: 'slow-http', kinds: [kind] },
    ...{ blames: 'attacker', seconds: 40 },
    command: ({ server }) => `slowhttptest ${options} -u http://${server.ip4}/long`,
  }
}

function script(what: string, detector: string, kind: string, more: Partial<Scenario> = {}): Scenario {
  return {
    ...{ name: what, detector, kinds: [kind], blames: 'attacker', seconds: 25 },
    command: ({ server }) => `${process.execPath} ${scriptPath} ${what} ${server.ip4}`,
    ...more,
  }
}

/** Twenty addresses of the attacker, each with five ports. */
const shareOut = ({ attacker, server }: Cast): string =>
  Array.from({ length: 20 }, (_, n) => {
    const address = attacker.ip4.replace(/\.\d+$/, `.${200 + n}`)
    const ports = `${1_000 + n * 5}-${1_004 + n * 5}`
    return (
      `ip addr add ${address}/24 dev ${attacker.link}; ` +
      `${NMAP} -sS -S ${address} -e ${attacker.link} -p ${ports} ${server.ip4}`
    )
  }).join('; ')

const borrowed = ({ innocent, server }: Cast): string => {
  const free = [241, 242, 243, 244].map((last) => server.ip4.replace(/\.\d+$/, `.${last}`))
  return [innocent.ip4, ...free].join(',')
}

/** Of the five names one is at work with the server. */
function decoyed(options: string, kind: string, detector?: string): Scenario {
  const [scan = ''] = options.split(' ', 1)
  return {
    ...nmap(options, kind, detector),
    name: `nmap ${scan} -D (5 names, 1 at work)`,
    command: (cast) => `${NMAP} ${options} -D ${borrowed(cast)} ${cast.server.ip4}`,
  }
}

export const SCENARIOS: readonly Scenario[] = [
  nmap('-sS -T4 -p 1-1000', 'syn'),
  nmap('-sT -T4 -p 1-1000', 'connect'),
  nmap('-sF -T4 -p 1-200', 'fin'),
  nmap('-sN -T4 -p 1-200', 'null'),
  nmap('-sX -T4 -p 1-200', 'xmas'),
  nmap('-sA -T4 -p 1-200', 'ack'),
  nmap('-sW -T4 -p 1-200', 'ack'),
  nmap('-sM -T4 -p 1-200', 'maimon'),
  nmap('-sU -T4 -p 100-140 --max-retries 1', 'udp'),
  nmap('-sY -T4 -p 1-100 --max-retries 0', 'sctp-init', 'sctp-scan'),
  nmap('-sZ -T4 -p 1-100 --max-retries 0', 'sctp-cookie', 'sctp-scan'),
  nmap('-sO -T4 --max-retries 0', 'ip-protocol', 'protocol-scan'),
  nmap('-sS -f -T4 -p 1-200', 'syn'),
  nmap('-O --max-os-tries 1 -p 80,9', 'os', 'os-fingerprint'),
  { ...nmap('-sV -p 21,80', 'telling', 'version-probe'), seconds: 30 },
  decoyed('-sS -T4 -p 1-200', 'syn'),
  decoyed('-sU -T4 -p 100-140 --max-retries 1', 'udp'),
  decoyed('-sF -T4 -p 1-200', 'fin'),
  decoyed('-sN -T4 -p 1-200', 'null'),
  decoyed('-sX -T4 -p 1-200', 'xmas'),
  decoyed('-sA -T4 -p 1-200', 'ack'),
  decoyed('-sO -T4 --max-retries 0', 'ip-protocol', 'protocol-scan'),
  decoyed('-sY -T4 -p 1-100 --max-retries 0', 'sctp-init', 'sctp-scan'),
  decoyed('-O --max-os-tries 1 -p 80,9', 'os', 'os-fingerprint'),
  {
    ...{ name: 'nmap, 20 sources × 5 ports', tool: 'nmap', detector: 'distributed-scan' },
    ...{ kinds: ['campaign'], blames: 'victim', seconds: 30, command: shareOut },
  },
  {
    ...{ name: 'masscan --rate 1000', tool: 'masscan', detector: 'port-scan', kinds: ['syn'] },
    ...{ blames: 'attacker', seconds: 10 },
    command: ({ server, attacker }) =>
      `masscan ${server.ip4} -p1-2000 --rate 1000 --wait 0 -e ${attacker.link} --source-ip ${attacker.ip4} ` +
      `--router-mac $(ip neigh show ${server.ip4} | grep -o "..:..:..:..:..:.." || echo ff:ff:ff:ff:ff:ff)`,
  },
  {
    ...{ name: 'hydra ftp', tool: 'hydra', detector: 'brute-force', kinds: ['ftp'], blames: 'attacker' },
    seconds: 40,
    command: ({ server }) => `cd ${tmpdir()} && hydra -q -l root -x 4:4:1 -t 4 -W 0 ftp://${server.ip4}`,
  },
  {
    ...{
      name: 'hydra http-get',
      tool: 'hydra',
      detector: 'brute-force',
      kinds: ['http'],
      blames: 'attacker',
    },
    seconds: 40,
    command: ({ server }) =>
      `cd ${tmpdir()} && hydra -q -l root -x 4:4:1 -t 4 http-get://${server.ip4}/private`,
  },
  script('ssh', 'brute-force', 'ssh', { name: 'ssh-like guessing (script)', seconds: 40 }),
  slow('-H', '-c 120 -H -i 3 -r 60 -l 35', 'slow-request'),
  slow('-B', '-c 120 -B -i 3 -r 60 -l 35 -s 8192', 'slow-request'),
  slow('-X', '-c 120 -X -r 60 -w 10 -y 20 -n 3 -z 5 -k 1 -l 35', 'slow-read'),
  script('connections', 'connection-flood', 'empty', { name: '500 empty connections (script)' }),
  script('requests', 'http-flood', 'requests', {
    ...{ name: 'HTTP flood (script)', seconds: 30, quietSeconds: 35 },
  }),
  script('tunnel', 'dns-tunnel', 'questions', { name: 'DNS tunnel (script)' }),
  // Below respond.minConfidence on purpose: who asks for such names is a victim more often than not.
  script('names', 'generated-names', 'generated', { name: 'generated names (script)', blames: 'watch' }),
  {
    ...{ name: 'ICMP tunnel (script)', detector: 'icmp-tunnel', kinds: ['echo'], blames: 'attacker' },
    ...{ seconds: 15, frames: tunnelInPings },
  },
  {
    ...{ name: 'ARP spoofing (script)', detector: 'arp-spoof', kinds: ['contested', 'moved'] },
    ...{ blames: 'victim', seconds: 15, frames: arpLies },
  },
  {
    ...{ name: 'another DHCP server (script)', detector: 'rogue-dhcp', kinds: ['second'], blames: 'watch' },
    ...{ seconds: 15, frames: otherLease },
  },
  {
    ...{ name: 'ICMP redirect (script)', detector: 'gateway-redirect', kinds: ['redirect'] },
    ...{ blames: 'victim', seconds: 15, frames: redirects },
  },
  flood('SYN, one source', '-S -p 80 -i u1000 -c 3000 -w 64', 'syn'),
  flood('ACK, one source', '-A -p 80 -i u500 -c 6000', 'ack'),
  flood('UDP, one source', '-2 -p 9999 -i u300 -c 8000', 'udp'),
  { ...flood('ICMP, one source', '-1 -i u1000 -c 3000', 'icmp'), blames: 'watch' },
  flood('fragments', '-2 -x -d 64 -p 9999 -i u500 -c 6000', 'fragment'),
  {
    ...{ name: 'hping3 NTP amplification', tool: 'hping3', detector: 'amplification', kinds: ['ntp'] },
    ...{ blames: 'victim', seconds: 6 },
    command: ({ server }) =>
      `hping3 -q -2 -s 123 -k -p 40000 -d 440 --rand-source -i u800 -c 4000 ${server.ip4}`,
  },
  flood('SYN, forged sources', '-S -p 80 --rand-source -i u300 -c 12000', 'syn'),
  { ...nmap('-T1 -sS -p 1-14', 'syn'), seconds: 150 },
]
