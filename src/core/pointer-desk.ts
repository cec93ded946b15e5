import type { PointerPort } from '#api/pointer-port.ts'
import { Refused } from '#api/port.ts'
import { createPointers, type PointerResolver } from '#identify/names/pointers.ts'
import { parseIp } from '#model/address.ts'
import type { Standpoint } from '#model/standpoint.ts'
import type { Ledger } from './intel-base.ts'
import type { PeerDesk } from './peer-desk.ts'

export interface PointerDeskParts {
  readonly record: Ledger
  readonly peers: Pick<PeerDesk, 'learn'>
  readonly standpoint: () => Standpoint
  readonly now: () => number
  readonly resolver?: PointerResolver
}

/** Asks reverse DNS where a person wants to; connections that nothing else names are called so from then on. */
export function createPointerDesk(parts: PointerDeskParts): PointerPort {
  const { peers, standpoint, now } = parts
  const pointers = createPointers(parts)
  return {
    async ask(text, actor) {
      const address = parseIp(text)
      if (!address) throw new Refused(400, `"${text}" is not an address.`, 'Write it like 203.0.113.9.')
      const answer = await pointers.ask(address, `reverse DNS, asked for by ${actor.name}`)
      if (answer.state === 'failed') return { address, because: answer.because }
      if (answer.state === 'nameless') return { address, because: 'reverse DNS has no name for it' }
      const { name } = answer
      peers.learn([{ address, name, source: 'ptr', at: now(), client: address }], standpoint())
      return { address, name, nameSource: 'ptr' }
    },
  }
}
