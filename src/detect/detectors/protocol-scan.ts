/** Hot: runs per packet that is neither TCP nor UDP. Allocates nothing unless it reports. */
import { z } from 'zod'
import { type Packet, PROTOCOL } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { TRIES_PER_ROW } from '../attempts.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { type PairStory, PairTries, type Telling } from '../pair-tries.ts'
import { anyProtocol } from '../self-test/messages.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, ROUTER, SERVER } from '../self-test/self-test.ts'

const WINDOW_MS = 600_000
/** What two hosts may well have to do with each other: see IANA "Assigned Internet Protocol Numbers". */
const USUAL = new Uint8Array(256)
for (const protocol of [1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 88, 89, 103, 108, 112, 115, 132, 136, 137]) {
  USUAL[protocol] = 1
}

const settings = z
  .object({
    protocols: z
      .int()
      .min(2)
      .max(TRIES_PER_ROW)
      .default(6)
      .describe(
        'Different unusual IP protocols that one address may try at one host; those of tunnels, routing, TCP, UDP and ICMP do not count',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'protocol-scan',
  title: 'IP protocol scan',
  technique: 'T1046',
  settings,
  selfTest: {
    fires(net) {
      for (const protocol of range(255)) net.send(anyProtocol(ATTACKER, SERVER, protocol))
    },
    staysSilent(net) {
      for (const _ of range(50)) {
        for (const protocol of [2, 50, 51, 88, 89, 103, 112]) net.send(anyProtocol(ROUTER, SERVER, protocol))
        net.pass(1_000)
      }
    },
  },
  watch: (chosen: Settings, context) => new ProtocolScanWatcher(chosen, context),
})

/** nmap -sO: which protocols, not which ports, a host speaks. */
class ProtocolScanWatcher implements Watcher {
  readonly protocols = [PROTOCOL.icmp]
  readonly #tries: PairTries

  constructor({ protocols }: Settings, context: WatchContext) {
    this.#tries = new PairTries(context, {
      limit: protocols,
      windowMs: WINDOW_MS,
      sampleOf: (protocol) => ({ protocol, targetPort: 0, tcpFlags: 0 }),
      tell: (story) => tellingOf(story, protocols),
    })
  }

  packet(packet: Packet): void {
    if (USUAL[packet.protocol] !== 1 && packet.forward === 1) this.#tries.try(packet, packet.protocol, 0)
  }
}

function tellingOf({ subject, victim, count, within }: PairStory, protocols: number): Telling {
  const what = `tried ${count} unusual IP protocols of ${victim}`
  return {
    ...{ kind: 'ip-protocol', confidence: 0.9, what },
    summary: `${subject} ${what} in ${within} (ip protocol scan)`,
    key: `protocol-scan ${subject} ${victim}`,
    because: `detectors.protocol-scan.protocols = ${protocols}`,
  }
}
