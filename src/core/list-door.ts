import { Refused } from '#api/port.ts'
import type { DropCount } from '#enforce/enforcer.ts'
import type { ListEnforcer } from '#enforce/lists.ts'
import { contains, type Ip, type Target } from '#model/address.ts'
import type { AllowEntry } from '#model/allow.ts'
import type { Block } from '#model/block.ts'
import type { BlockedList } from '#model/blocked-list.ts'
import type { Decision } from '#model/decision.ts'
import type { Listing } from '#model/indicator.ts'

/** A list that the kernel is to turn away as a whole. */
export interface ListOrder extends BlockedList {
  readonly title: string
  /** Addresses and ranges. */
  readonly entries: number
}

export interface ListDoorParts {
  readonly enforcer: ListEnforcer
  /** Everything of the allow list. */
  readonly allowed: () => readonly Target[]
  readonly spares: (target: Target) => AllowEntry | undefined
  readonly note: (undated: Omit<Decision, 'id' | 'at'>) => { readonly decision: Decision }
  readonly now: () => number
}

/** The side of the gate for whole lists: the allow list is put ahead of them, and each change is a decision. */
export class ListDoor {
  readonly #parts: ListDoorParts
  #orders: readonly ListOrder[] = []
  #find: (address: Ip) => readonly Listing[] = () => []
  #ignored: readonly Target[] = []
  #spared = ''
  readonly #loads = new Map<string, { readonly decision: Decision; readonly rows: ListOrder['rows'] }>()

  constructor(parts: ListDoorParts) {
    this.#parts = parts
  }

  /**
   * Has the kernel turn away what exactly these lists hold. Settles when that is so, or was refused.
   * @param find what lists hold an address, to say why it is blocked
   * @param ignored what no list is believed about
   */
  async hold(
    orders: readonly ListOrder[],
    find: (address: Ip) => readonly Listing[],
    ignored: readonly Target[],
  ): Promise<void> {
    this.#find = find
    this.#ignored = ignored
    this.#orders = orders
    this.spare()
    await this.#parts.enforcer.hold(orders)
    this.#noteChanges()
  }

  /** The list that turns this address away, told as a block. */
  blockOf(address: Target): Block | undefined {
    if (this.#loads.size === 0 || address.includes('/')) return undefined
    const listing = this.#find(address as Ip).find(({ list }) => this.#isInForce(list))
    const load = listing && this.#loads.get(listing.list)
    if (!listing || !load || this.#parts.spares(address) || this.#isIgnored(address)) return undefined
    const why = listing.reason === undefined ? '' : `: ${listing.reason}`
    const order = this.#orders.find(({ id }) => id === listing.list)
    return {
      target: listing.matched as Target,
      origin: 'feed',
      actor: `list ${listing.list}`,
      reason: `on ${order?.title ?? listing.list}${why}`,
      since: load.decision.at,
      decisionId: load.decision.id,
    }
  }

  /** What each list turned away since the start, by its id. */
  drops(): ReadonlyMap<string, DropCount> {
    return this.#parts.enforcer.drops()
  }

  /** Whom programs called and were kept from since the last call. */
  takeCalled(): readonly Ip[] {
    return this.#parts.enforcer.takeCalled()
  }

  /** Puts the allow list ahead of the lists, as it is now. */
  spare(): void {
    const targets = [...new Set([...this.#parts.allowed(), ...this.#ignored])].sort()
    const text = targets.join(' ')
    if (text === this.#spared) return
    this.#spared = text
    this.#parts.enforcer.spare(targets)
  }

  /** Looks after the kernel and the allow list. Call once a second. */
  tick(): void {
    this.spare()
    this.#parts.enforcer.verify(this.#parts.now())
    this.#noteChanges()
  }

  #isInForce(id: string): boolean {
    const order = this.#orders.find((each) => each.id === id)
    return order !== undefined && this.#parts.enforcer.isHeld(order)
  }

  readonly #isIgnored = (address: Target): boolean =>
    this.#ignored.some((target) => contains(target, address))

  #noteChanges(): void {
    for (const order of this.#orders) {
      const known = this.#loads.get(order.id)
      if (known?.rows === order.rows || !this.#parts.enforcer.isHeld(order)) continue
      const reason = `${order.title}: ${order.entries} addresses and ranges are turned away`
      this.#loads.set(order.id, { decision: this.#note('load', order.id, reason), rows: order.rows })
    }
    for (const id of this.#loads.keys()) {
      if (this.#orders.some((order) => order.id === id)) continue
      this.#loads.delete(id)
      this.#note('unload', id, 'the list is off, or blocks no longer')
    }
  }

  #note(kind: 'load' | 'unload', id: string, reason: string): Decision {
    return this.#parts.note({ kind, target: `list ${id}` as Target, actor: 'gatehouse', reason }).decision
  }
}

/** What to say to somebody who wants an address back that a list turns away. */
export function refusalOfListed(target: Target, { actor, reason }: Block): Refused {
  const id = actor.slice('list '.length)
  return new Refused(
    409,
    `${target} is turned away by a list: it is ${reason}.`,
    `Let it pass: gatehouse allow add ${target}. Or let the list only tell: gatehouse feeds on ${id} --action alert`,
  )
}

/** A list comes into the kernel and goes by what it is set to. */
export function refusalToUndo({ id, kind, target }: Decision): Refused {
  const list = target.slice('list '.length)
  const [what, how] =
    kind === 'load'
      ? ['in the kernel because it is set to block', `gatehouse feeds on ${list} --action alert`]
      : [
          'no longer in the kernel because it is not set to block',
          `gatehouse feeds on ${list} --action block`,
        ]
  return new Refused(
    409,
    `Decision ${id} is undone at its list: ${list} is ${what}.`,
    `To change that: ${how}`,
  )
}

export const isOfList = (block: Pick<Block, 'actor' | 'origin'>): boolean =>
  block.origin === 'feed' && block.actor.startsWith('list ')
