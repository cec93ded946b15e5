import { eachAttribute, NETLINK, NetlinkSocket } from '#kernel/netlink.ts'
import { DATA_VALUE, ELEMENT, ELEMENT_LIST, LIST_ITEM, NFT_MESSAGE } from '#kernel/nft-wire.ts'
import { setThreadNice } from '#kernel/priority.ts'
import { ipFromBytes } from '#model/address.ts'

/**
 * Says `ADDRESS NANOSECONDS` for each address that comes into a set of blocks in its namespace, as the kernel tells of
 * it; by the monotonic clock, which all processes of a machine share. First of all `listening`.
 */
/** 1 << (NFNLGRP_NFTABLES - 1), linux/netfilter/nfnetlink.h */
const NFTABLES_GROUP = 1 << 6
const HEADER_BYTES = 4

setThreadNice(-20)
const socket = new NetlinkSocket(NETLINK.netfilter, { groups: NFTABLES_GROUP, nonblocking: true })
socket.onMessage((type, view, start, end) => {
  if (type !== NFT_MESSAGE.newElement) return
  const at = process.hrtime.bigint()
  let isOfBlocks = false
  eachAttribute(view, start + HEADER_BYTES, end, (name, valueStart, valueEnd) => {
    if (name === ELEMENT_LIST.set) {
      isOfBlocks = Buffer.from(view.buffer, valueStart, valueEnd - valueStart)
        .toString()
        .startsWith('blocked')
    } else if (name === ELEMENT_LIST.elements && isOfBlocks) {
      for (const address of addressesIn(view, valueStart, valueEnd))
        process.stdout.write(`${address} ${at}\n`)
    }
  })
})
process.stdout.write('listening\n')

function addressesIn(view: DataView, start: number, end: number): string[] {
  const found: string[] = []
  eachAttribute(view, start, end, (item, itemStart, itemEnd) => {
    if (item !== LIST_ITEM) return
    eachAttribute(view, itemStart, itemEnd, (name, keyStart, keyEnd) => {
      if (name !== ELEMENT.key) return
      eachAttribute(view, keyStart, keyEnd, (kind, valueStart, valueEnd) => {
        if (kind === DATA_VALUE)
          found.push(ipFromBytes(new Uint8Array(view.buffer, valueStart, valueEnd - valueStart)))
      })
    })
  })
  return found
}
