import { END_REASONS, FLOW_STATES, type FlowRecord, type FlowState } from '#model/flow.ts'
import type { Hosts } from '#model/host.ts'
import { communityId } from './community-id.ts'
import type { FlowTable } from './flow-table.ts'

/** Everything about one flow as plain data. `reason` indexes END_REASONS, for a flow that is ending. Allocates. */
export function flowRecordOf(
  flows: FlowTable,
  hosts: Hosts,
  flow: number,
  how: { readonly interfaceName: string; readonly reason: number | undefined },
): FlowRecord {
  const tuple = {
    protocol: flows.protocol(flow),
    source: hosts.address(flows.source(flow)),
    sourcePort: flows.sourcePort(flow),
    target: hosts.address(flows.target(flow)),
    targetPort: flows.targetPort(flow),
  }
  const handshakeMs = flows.handshakeMs(flow)
  const ended = how.reason === undefined ? undefined : END_REASONS[how.reason]
  return {
    id: flows.number(flow),
    communityId: communityId(tuple),
    ...tuple,
    interfaceName: how.interfaceName,
    vlan: flows.vlan(flow),
    state: FLOW_STATES[flows.state(flow)] as FlowState,
    openedAt: flows.openedAt(flow),
    seenAt: flows.seenAt(flow),
    ...(ended === undefined ? {} : { ended }),
    packetsForward: flows.packetsForward(flow),
    packetsBackward: flows.packetsBackward(flow),
    bytesForward: flows.bytesForward(flow),
    bytesBackward: flows.bytesBackward(flow),
    ...(Number.isNaN(handshakeMs) ? {} : { handshakeMs }),
    retransmitsForward: flows.retransmits(flow, 0),
    retransmitsBackward: flows.retransmits(flow, 1),
    tcpFlagsForward: flows.flagsForward(flow),
    tcpFlagsBackward: flows.flagsBackward(flow),
  }
}
