import { z } from 'zod'
import type { Ip } from '#model/address.ts'
import { ip } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import { defineObserver, type Machine, type ObserveContext, type Observing } from '../observer.ts'
import { ATTACKER, ROUTER } from '../self-test/self-test.ts'

const ID = 'gateway-change'
const KINDS = ['gateway', 'dns'] as const
/** What is gone for a moment, as while an interface restarts, is no change. */
const SETTLED_MS = 5_000

type Kind = (typeof KINDS)[number]

const settings = z
  .object({
    kinds: z
      .array(z.enum(KINDS))
      .max(KINDS.length)
      .default([...KINDS])
      .describe(
        'What is told of: another default gateway of this machine, other DNS servers in its resolv.conf',
      ),
  })
  .strict()

type Settings = z.infer<typeof settings>

export default defineObserver({
  id: ID,
  title: 'Changed gateway or resolver of this machine',
  technique: 'T1557',
  usualMode: 'watch',
  settings,
  selfTest: {
    fires(machine) {
      hasGateway(machine, ROUTER)
      hasGateway(machine, ATTACKER)
    },
    staysSilent(machine) {
      hasGateway(machine, ROUTER)
      hasGateway(machine, ROUTER)
    },
  },
  observe: (chosen: Settings, context) => new GatewayChange(chosen, context),
})

/** For twenty seconds. */
function hasGateway(machine: Machine, gateway: string): void {
  for (let second = 0; second < 20; second++) {
    machine.heard.surroundings([{ target: ip(gateway), source: 'gateway', note: '' }], machine.now)
    machine.pass(1_000)
  }
}

interface Known {
  targets: readonly string[]
  /** Another list that has been true since then. */
  next?: { readonly targets: readonly string[]; readonly since: number }
}

/** Looks at the machine itself, so also a change that no packet told of: by a program, or by hand. */
class GatewayChange implements Observing {
  readonly #settings: Settings
  readonly #context: ObserveContext
  readonly #known = new Map<Kind, Known>()

  constructor(chosen: Settings, context: ObserveContext) {
    this.#settings = chosen
    this.#context = context
  }

  surroundings(entries: readonly AllowEntry[], now: number): void {
    for (const kind of this.#settings.kinds) {
      const targets = entries.filter(({ source }) => source === kind).map(({ target }) => target as string)
      this.#look(kind, targets.toSorted(), now)
    }
  }

  #look(kind: Kind, targets: readonly string[], now: number): void {
    const known = this.#known.get(kind)
    if (!known) {
      // A machine that is offline has nothing that could change.
      if (targets.length > 0) this.#known.set(kind, { targets })
      return
    }
    if (isSame(known.targets, targets) || targets.length === 0) {
      delete known.next
      return
    }
    if (!known.next || !isSame(known.next.targets, targets)) known.next = { targets, since: now }
    if (now - known.next.since < SETTLED_MS) return
    this.#tell(kind, known.targets, targets, now)
    this.#known.set(kind, { targets })
  }

  // Four plain values: before and after are lists of the same kind.
  #tell(kind: Kind, before: readonly string[], after: readonly string[], now: number): void {
    const fresh = after.filter((target) => !before.includes(target))
    const gone = before.filter((target) => !after.includes(target))
    const [subject = after[0]] = fresh.length > 0 ? fresh : gone
    const what = kind === 'gateway' ? 'The default gateway' : 'The DNS servers'
    this.#context.report({
      kind,
      severity: fresh.length > 0 ? 'medium' : 'info',
      confidence: 0.5,
      at: now,
      subject: subject as Ip,
      summary: `${what} of this machine changed from ${before.join(', ')} to ${after.join(', ')}`,
      key: `${ID} ${kind} ${after.join(' ')}`,
      because: `detectors.${ID}.kinds has ${kind}`,
      spoofable: true,
      evidence: {
        ...{ firstAt: now, lastAt: now, count: Math.max(1, fresh.length), ratePerSecond: 0 },
        ...{ hosts: after as readonly Ip[], samples: [] },
      },
    })
  }
}

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((target, at) => target === other[at])
