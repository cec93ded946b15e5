import type { Searched } from '#contract/search/matches.ts'
import type { Ip } from '#model/address.ts'
import type { Block } from '#model/block.ts'
import type { Connection } from '#model/flow.ts'
import { protocolName } from '#model/packet.ts'
import { verdictOf } from './present.ts'

/**
 * A live connection as a search sees it, without being made ready to show: most of 50,000 do not fit. One object is
 * used for all: set `connection`, then look.
 */
export class SearchedConnection implements Searched {
  connection: Connection
  readonly #blockOf: (peer: Ip) => Block | undefined

  constructor(connection: Connection, blockOf: (peer: Ip) => Block | undefined) {
    this.connection = connection
    this.#blockOf = blockOf
  }

  get communityId() {
    return this.connection.communityId
  }
  get protocol() {
    return protocolName(this.connection.protocol)
  }
  get verdict() {
    return verdictOf(this.#blockOf(this.connection.peer))
  }
  get direction() {
    return this.connection.direction
  }
  get interfaceName() {
    return this.connection.interfaceName
  }
  get source() {
    return this.connection.source
  }
  get sourcePort() {
    return this.connection.sourcePort
  }
  get target() {
    return this.connection.target
  }
  get targetPort() {
    return this.connection.targetPort
  }
  get peer() {
    return this.connection.peer
  }
  get localPort() {
    return this.connection.localPort
  }
  get state() {
    return this.connection.state
  }
  get ended() {
    return this.connection.ended
  }
  get openedAt() {
    return this.connection.openedAt
  }
  get bytesForward() {
    return this.connection.bytesForward
  }
  get bytesBackward() {
    return this.connection.bytesBackward
  }
  get handshakeMs() {
    return this.connection.handshakeMs
  }
  get owner() {
    return this.connection.owner
  }
  get name() {
    return this.connection.name
  }
  get country() {
    return this.connection.country
  }
  get asn() {
    return this.connection.asn
  }
  get asName() {
    return this.connection.asName
  }
}
