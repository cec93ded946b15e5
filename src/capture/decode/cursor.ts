/** Hot: runs per packet. Allocates nothing. */
import { CUT_OFF, MALFORMED } from './outcome.ts'

const EMPTY = new DataView(new ArrayBuffer(0))

/** Where the decoder stands in a frame. Layers move `at` forward and narrow the two ends; no layer reads past `end`. */
export class Cursor {
  view: DataView = EMPTY
  /** First byte of the next layer. */
  at = 0
  /** End of the bytes that the capture kept. */
  end = 0
  /** End of the bytes that were on the wire, as far as the enclosing headers tell. Never before `end`. */
  wireEnd = 0
  /** What the next layer is: an EtherType below the link, */
  etherType = 0
  /** an IP protocol below the network. */
  protocol = 0

  /** Why fewer than `bytes` are left: the capture was cut, or the headers promise what the wire did not bring. */
  tooShort(bytes: number): number {
    return this.wireEnd - this.at < bytes ? MALFORMED : CUT_OFF
  }
}
