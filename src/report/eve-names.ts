import { visibleJson, visibleText } from '#lib/visible-text.ts'
import type { FlowRecord } from '#model/flow.ts'
import type { FlowNote } from '#model/flow-note.ts'
import type { NameReport } from '#model/name.ts'
import { eveProtocol, timestamp } from './eve.ts'

/** What one packet said of names: all of them belong to the flow that it is of. */
export interface SaidNames {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly names: readonly NameReport[]
  readonly notes: readonly FlowNote[]
}

/**
 * Events `dns`, `mdns`, `tls` and `http` as Suricata names them. A `tls` event without `sni` holds the fingerprint
 * of a handshake whose name came in an earlier packet.
 */
export function nameEvents(flow: FlowRecord, said: SaidNames): string[] {
  const { names, notes } = said
  const write = (event_type: string, body: Record<string, unknown>): string =>
    visibleJson({
      timestamp: timestamp(said.at),
      flow_id: flow.id,
      ...(flow.interfaceName !== '' && { in_iface: visibleText(flow.interfaceName) }),
      event_type,
      src_ip: flow.source,
      src_port: flow.sourcePort,
      dest_ip: flow.target,
      dest_port: flow.targetPort,
      proto: eveProtocol(flow.protocol),
      community_id: flow.communityId,
      [event_type]: body,
    })
  const events: string[] = []
  for (const kind of ['dns', 'mdns'] as const) {
    const answers = names.filter(({ source }) => source === kind)
    const asked = [...new Set(answers.map(({ name }) => name))]
    events.push(...asked.map((name) => write(kind, answerOf(name, answers))))
  }
  const [sni, host] = (['tls', 'http'] as const).map((kind) => names.find(({ source }) => source === kind))
  const hello = notes.find(({ ja3 }) => ja3 !== undefined)
  if (sni || hello) events.push(write('tls', tlsOf(sni, hello)))
  if (host) events.push(write('http', httpOf(host.name, notes)))
  return events
}

const answerOf = (name: string, answers: readonly NameReport[]): Record<string, unknown> => ({
  version: 2,
  type: 'answer',
  rrname: visibleText(name),
  answers: answers
    .filter((answer) => answer.name === name)
    .map(({ address, ttlSeconds }) => ({
      rrname: visibleText(name),
      rrtype: address.includes(':') ? 'AAAA' : 'A',
      ...(ttlSeconds !== undefined && { ttl: ttlSeconds }),
      rdata: address,
    })),
})

const tlsOf = (sni: NameReport | undefined, hello: FlowNote | undefined): Record<string, unknown> => ({
  ...(sni && { sni: visibleText(sni.name) }),
  ...(hello?.ja3 && { ja3: { hash: hello.ja3 } }),
  ...(hello?.ja4 && { ja4: hello.ja4 }),
})

function httpOf(host: string, notes: readonly FlowNote[]): Record<string, unknown> {
  const url = notes.find((note) => note.url !== undefined)?.url
  // The note holds `http://host/path`, Suricata the path alone.
  const path = url?.slice(url.indexOf('/', 'http://'.length))
  return { hostname: visibleText(host), ...(path && { url: visibleText(path) }) }
}
