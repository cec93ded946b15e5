/** Hot: runs per flow. Allocates nothing unless it reports. */
import { z } from 'zod'
import { type Packet, PROTOCOL, TCP } from '#model/packet.ts'
import type { Watcher } from '#model/watcher.ts'
import { defineDetector, type WatchContext } from '../detector.ts'
import { type PairStory, PairTries, type Telling } from '../pair-tries.ts'
import { range } from '../self-test/net.ts'
import { ATTACKER, SERVER } from '../self-test/self-test.ts'

const WINDOW_MS = 60_000

/** Probes that tell systems apart because no two answer nonsense alike; one bit each. */
const NONSENSE = { synFin: 1, none: 2, christmas: 4 } as const
const KIND_BITS = 3

const settings = z
  .object({
    kinds: z
      .int()
      .min(1)
      .max(3)
      .default(2)
      .describe(
        'Kinds of senseless TCP packets (SYN with FIN, no flag at all, FIN with PSH and URG) that one address may send to one host within a minute; one of them has to be SYN with FIN',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineDetector({
  id: 'os-fingerprint',
  title: 'Fingerprinting of the operating system',
  technique: 'T1595',
  settings,
  selfTest: {
    fires(net) {
      for (const flags of ['S', '', 'SFPU', 'A', 'FPU']) {
        net.silent({ from: ATTACKER, to: SERVER, port: 22, flags })
      }
    },
    staysSilent(net) {
      for (const port of range(30)) net.silent({ from: ATTACKER, to: SERVER, port, flags: 'FPU' })
    },
  },
  watch: (chosen: Settings, context) => new OsFingerprintWatcher(chosen, context),
})

/**
 * nmap -O sends T2 (no flags), T3 (SYN, FIN, PSH and URG) and T7 (FIN, PSH and URG) to one or two ports. A scan with one
 * kind of these is for port-scan to tell; SYN with FIN is no scan, as open ports answer it like a SYN.
 */
class OsFingerprintWatcher implements Watcher {
  readonly #tries: PairTries

  constructor({ kinds }: Settings, context: WatchContext) {
    this.#tries = new PairTries(context, {
      // One packet alone does not show in whose other names it was sent.
      limit: Math.max(2, kinds),
      windowMs: WINDOW_MS,
      signOf: nonsenseOf,
      isEnough: (seen) =>
        (seen & NONSENSE.synFin) !== 0 && (seen & 1) + ((seen >> 1) & 1) + (seen >> 2) >= kinds,
      sampleOf: (thing, flags) => ({
        ...{ protocol: PROTOCOL.tcp, targetPort: thing >>> KIND_BITS, tcpFlags: flags },
      }),
      tell: (story) => tellingOf(story, kinds),
    })
  }

  flowOpened(_flow: number, packet: Packet): void {
    if (packet.protocol !== PROTOCOL.tcp) return
    const kind = nonsenseOf(packet.tcpFlags)
    if (kind !== 0) this.#tries.try(packet, (packet.targetPort << KIND_BITS) | kind, packet.tcpFlags)
  }
}

function tellingOf({ subject, victim, count, things, within }: PairStory, kinds: number): Telling {
  return {
    ...{ kind: 'os', confidence: 0.85, ports: [...new Set(things.map((thing) => thing >>> KIND_BITS))] },
    what: `sent ${count} senseless packets each to ${victim}`,
    summary: `${subject} sent ${count} senseless packets to ${victim} in ${within}, as they tell operating systems apart`,
    key: `os-fingerprint ${subject} ${victim}`,
    because: `detectors.os-fingerprint.kinds = ${kinds}`,
  }
}

const SIX_FLAGS = 0x3f

function nonsenseOf(flags: number): number {
  const six = flags & SIX_FLAGS
  if ((six & TCP.ack) !== 0) return 0
  if ((six & (TCP.syn | TCP.fin)) === (TCP.syn | TCP.fin)) return NONSENSE.synFin
  if (six === 0) return NONSENSE.none
  return six === (TCP.fin | TCP.psh | TCP.urg) ? NONSENSE.christmas : 0
}
