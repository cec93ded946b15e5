/** Hot: runs per SCTP packet. Allocates nothing unless it reports. */
import { z } from 'zod'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { TRIES_PER_ROW } from '../attempts.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { type PairStory, PairTries, type Telling } from '../pair-tries.ts'
import { anyProtocol, sctp } from '../self-test/messages.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, CLIENT, SERVER } from '../self-test/self-test.ts'

const WINDOW_MS = 120_000
/** RFC 9260 §3.2: the type of the first chunk. */
const CHUNK = { init: 1, initAck: 2, abort: 6, cookieEcho: 10 } as const

const settings = z
  .object({
    ports: z
      .int()
      .min(2)
      .max(TRIES_PER_ROW)
      .default(6)
      .describe('Different SCTP ports of one host that one address may knock at in vain within two minutes'),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'sctp-scan',
  title: 'SCTP scan',
  technique: 'T1046',
  settings,
  selfTest: {
    fires(net) {
      for (const port of range(30)) {
        net.send(anyProtocol(ATTACKER, SERVER, PROTOCOL.sctp, sctp(40_000, port, CHUNK.init)))
        net.send(anyProtocol(SERVER, ATTACKER, PROTOCOL.sctp, sctp(port, 40_000, CHUNK.abort)))
        net.pass(10)
      }
    },
    staysSilent(net) {
      for (const n of range(100)) {
        net.send(anyProtocol(CLIENT, SERVER, PROTOCOL.sctp, sctp(40_000 + n, 2905, CHUNK.init)))
        net.pass(100)
      }
    },
  },
  watch: (chosen: Settings, context) => new SctpScanWatcher(chosen, context),
})

/** What was answered with INIT-ACK was no try in vain. */
class SctpScanWatcher implements Watcher {
  readonly protocols = [PROTOCOL.sctp]
  readonly #tries: PairTries

  constructor({ ports }: Settings, context: WatchContext) {
    this.#tries = new PairTries(context, {
      limit: ports,
      windowMs: WINDOW_MS,
      sampleOf: (port) => ({ protocol: PROTOCOL.sctp, targetPort: port, tcpFlags: 0 }),
      tell: (story) => tellingOf(story, ports),
    })
  }

  packet(packet: Packet): void {
    if (packet.protocol !== PROTOCOL.sctp || packet.source < 0 || packet.target < 0) return
    if (packet.payloadEnd <= packet.payloadStart) return
    const chunk = packet.view.getUint8(packet.payloadStart)
    if (chunk === CHUNK.initAck) this.#tries.answered(packet.target, packet.source, packet.sourcePort)
    else if (packet.forward === 1 && (chunk === CHUNK.init || chunk === CHUNK.cookieEcho)) {
      this.#tries.try(packet, packet.targetPort, chunk)
    }
  }
}

function tellingOf({ subject, victim, count, things, within, mark }: PairStory, ports: number): Telling {
  const what = `knocked at ${count} SCTP ports of ${victim}`
  return {
    ...{ kind: mark === CHUNK.init ? 'sctp-init' : 'sctp-cookie', confidence: 0.85, what, ports: things },
    summary: `${subject} ${what} in ${within} (sctp scan)`,
    key: `sctp-scan ${subject} ${victim}`,
    because: `detectors.sctp-scan.ports = ${ports}`,
  }
}
