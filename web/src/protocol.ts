const NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  47: 'GRE',
  58: 'ICMPv6',
  132: 'SCTP',
}
/** RFC 9293, low bit first. */
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR']
const TCP = 6

/** A protocol number in words; for TCP with the flags that are set: `TCP SYN`. */
export function protocolName(protocol: number, tcpFlags: number): string {
  const name = NAMES[protocol] ?? `IP ${protocol}`
  if (protocol !== TCP) return name
  const set = FLAGS.filter((_, bit) => (tcpFlags & (1 << bit)) !== 0)
  return `${name} ${set.length > 0 ? set.join(' ') : '—'}`
}
