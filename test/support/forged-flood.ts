import { type Said, said } from './frames.ts'
import { xorshift } from './xorshift.ts'

/** Where the fields are in an Ethernet frame with IPv4, from which a flood makes ever new ones. */
const [IP_NUMBER_AT, SOURCE_AT, TARGET_AT, SOURCE_PORT_AT, TARGET_PORT_AT, SEQUENCE_AT] = [
  18, 26, 30, 34, 36, 38,
]

export interface Forged {
  readonly target: string
  /** Absent: another one each time. */
  readonly port?: number
  /** How the target answers: flags of TCP, or `udp`. Absent: not at all. */
  readonly answer?: 'SA' | 'RA' | 'udp'
  /** So many packets in each name, 1 unless told. */
  readonly each?: number
}

/** A flood from addresses of 11.0.0.0 to 110.255.255.255, the same each time: `pour` sends so many packets, and their answers. */
export function forgedFlood({ target, port, answer, each = 1 }: Forged, send: (frame: Uint8Array) => void) {
  const random = xorshift(0x9e3779b9)
  const kind: Partial<Said> = answer === 'udp' ? { protocol: 'udp' } : { flags: 'S', options: 0 }
  const there = framed({ ...kind, from: '11.0.0.1:1', to: `${target}:1` })
  const back =
    answer &&
    framed({
      ...(answer === 'udp' ? kind : { flags: answer, sequence: 5_000, acknowledgement: 1 }),
      ...{ from: `${target}:1`, to: '11.0.0.1:1' },
    })
  const isTcp = answer !== 'udp'
  let source = 0
  let left = 0

  function one(): void {
    if (left-- === 0) {
      source = (((11 + (random() % 100)) << 24) | (random() & 0xffffff)) >>> 0
      left = each - 1
    }
    const [from, to] = [1_024 + (random() % 60_000), port ?? 1 + (random() % 60_000)]
    there.view.setUint16(IP_NUMBER_AT, random() & 0xffff)
    if (isTcp) there.view.setUint32(SEQUENCE_AT, random())
    there.view.setUint32(SOURCE_AT, source)
    there.view.setUint16(SOURCE_PORT_AT, from)
    there.view.setUint16(TARGET_PORT_AT, to)
    send(there.frame)
    if (!back) return
    back.view.setUint32(TARGET_AT, source)
    back.view.setUint16(SOURCE_PORT_AT, to)
    back.view.setUint16(TARGET_PORT_AT, from)
    send(back.frame)
  }

  return {
    pour(count: number): void {
      for (let n = 0; n < count; n++) one()
    },
  }
}

function framed(about: Said): { readonly frame: Uint8Array; readonly view: DataView } {
  const frame = said(about)
  return { frame, view: new DataView(frame.buffer, frame.byteOffset, frame.length) }
}
