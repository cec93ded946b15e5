import type { NameBook } from '#identify/names/name-book.ts'
import type { Ip } from '#model/address.ts'
import type { Connection } from '#model/flow.ts'
import type { NameReport } from '#model/name.ts'
import type { Place } from '#model/place.ts'
import type { Standpoint } from '#model/standpoint.ts'
import type { FlowNotes } from './flow-notes.ts'

/** Says of each connection what its peer is called and where it is. */
export interface PeerDesk {
  learn(names: readonly NameReport[], standpoint: Standpoint): void
  readonly describe: (connection: Connection) => Connection
}

export interface PeerDeskParts {
  readonly placeOf: (address: Ip) => Place
  readonly names: NameBook
  readonly notes: FlowNotes
}

export const createPeerDesk = ({ placeOf, names, notes }: PeerDeskParts): PeerDesk => ({
  learn: (reports, { isOwn }) => names.learn(reports, isOwn),

  describe(connection) {
    const name = names.nameOf(connection)
    const { country, asn, city, special } = placeOf(connection.peer)
    const { ja3, ja4 } = notes.of(connection.id) ?? {}
    return {
      ...connection,
      ...(name && { name: name.name, nameSource: name.nameSource }),
      ...(country && { country: country.code }),
      ...(asn && { asn: asn.number, asName: asn.name }),
      ...(city !== undefined && { city }),
      ...(special !== undefined && { special }),
      ...(ja3 !== undefined && { ja3 }),
      ...(ja4 !== undefined && { ja4 }),
    }
  },
})
