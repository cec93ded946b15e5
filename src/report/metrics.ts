import { Counter, Gauge, Registry } from 'prom-client'

/** What is measured, read at the moment somebody asks. Sums count from the start of the daemon. */
export interface Measured {
  readonly version: string
  readonly packets: number
  readonly bytes: number
  readonly undecodable: number
  readonly flows: number
  readonly hosts: number
  readonly refusedFlows: number
  readonly refusedHosts: number
  readonly evictedFlows: number
  readonly received: readonly { readonly name: string; readonly received: number; readonly dropped: number }[]
  readonly alerts: ReadonlyMap<string, number>
  readonly blocks: { readonly ipv4: number; readonly ipv6: number }
  readonly droppedPackets: number
  readonly brakedRefusals: number
  readonly parts: readonly { readonly part: string; readonly state: string }[]
  readonly connections: number
}

/** The Prometheus text of `measure()`, now. Base units; never an address as a label. */
export function createMetrics(measure: () => Measured): () => Promise<string> {
  const registry = new Registry()
  const gauge = (name: string, help: string, labels: string[] = []) =>
    new Gauge({ name: `gatehouse_${name}`, help, labelNames: labels, registers: [registry] })
  const counter = (name: string, help: string, labels: string[] = []) =>
    new Counter({ name: `gatehouse_${name}_total`, help, labelNames: labels, registers: [registry] })

  const info = gauge('build_info', 'Version of Gatehouse', ['version'])
  const packets = counter('packets', 'Packets seen')
  const bytes = counter('bytes', 'Bytes seen on the wire')
  const undecodable = counter('undecodable_packets', 'Frames that could not be decoded')
  const received = counter('capture_received', 'Packets that the kernel handed to the capture', ['interface'])
  const lost = counter('capture_dropped', 'Packets lost because the capture was too slow', ['interface'])
  const table = gauge('table_entries', 'Entries of the bounded tables', ['table'])
  const refused = counter('table_refused', 'New entries that found a bounded table full', ['table'])
  const evicted = counter('evicted_flows', 'Flows that a full table let go early for new ones')
  const alerts = counter('alerts', 'Findings told', ['detector'])
  const blocks = gauge('active_blocks', 'Addresses and ranges shut out now', ['family'])
  const drops = counter('blocked_packets', 'Packets turned away by the blocks in force')
  const braked = counter('braked_refusals', 'Answers of closed ports held back by the refusal brake')
  const connections = gauge('connections', 'Connections open now')
  const degraded = gauge('degraded', '1 while a part does not work as it should', ['part'])

  return () => {
    const now = measure()
    registry.resetMetrics()
    info.set({ version: now.version }, 1)
    packets.inc(now.packets)
    bytes.inc(now.bytes)
    undecodable.inc(now.undecodable)
    table.set({ table: 'flows' }, now.flows)
    table.set({ table: 'hosts' }, now.hosts)
    refused.inc({ table: 'flows' }, now.refusedFlows)
    refused.inc({ table: 'hosts' }, now.refusedHosts)
    evicted.inc(now.evictedFlows)
    for (const link of now.received) {
      received.inc({ interface: link.name }, link.received)
      lost.inc({ interface: link.name }, link.dropped)
    }
    for (const [detector, count] of now.alerts) alerts.inc({ detector }, count)
    blocks.set({ family: 'ipv4' }, now.blocks.ipv4)
    blocks.set({ family: 'ipv6' }, now.blocks.ipv6)
    drops.inc(now.droppedPackets)
    braked.inc(now.brakedRefusals)
    connections.set(now.connections)
    for (const { part, state } of now.parts) degraded.set({ part }, state === 'ok' ? 0 : 1)
    return registry.metrics()
  }
}
