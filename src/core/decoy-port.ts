import type { DecoysPort } from '#api/decoys-port.ts'
import { type Actor, Refused } from '#api/port.ts'
import type { SettingsPort } from '#api/settings-port.ts'
import type { DecoyChange, DecoyConsequence, DecoyOutcome, DecoyStatus } from '#contract/decoys.ts'
import { visibleText } from '#lib/visible-text.ts'
import { type Ip, parseIp } from '#model/address.ts'
import type { Alert } from '#model/alert.ts'
import type { DecoyDesk, DecoySettings } from './decoys.ts'

type Mode = DecoyStatus['mode']

export interface DecoyPortParts {
  readonly desk: Pick<DecoyDesk, 'status'>
  /** As they are in force. */
  readonly inForce: () => DecoySettings
  readonly settings: Pick<SettingsPort, 'change'>
  /** How far the detector may go that tells of who connects. */
  readonly mode: () => Mode
  /** Its alerts, oldest first. */
  readonly alerts: () => readonly Pick<Alert, 'id' | 'subject'>[]
  readonly isBlocked: (address: Ip) => boolean
  readonly isOwn: (address: Ip) => boolean
  readonly isListening: (port: number) => boolean
  /** Why nothing answers, though it should. */
  readonly problem: () => DecoyStatus['problem'] | undefined
}

/** By these people get in to put right what went wrong. */
const WAYS_IN = [22]

/** Answers what the API asks about decoys: what is on, who came, and what a change means before it is made. */
export function createDecoyPort(parts: DecoyPortParts): DecoysPort {
  const { desk, inForce, settings } = parts
  return {
    status() {
      const { peers, givenWay, answered, unanswered } = desk.status()
      const { enabled, ports, addresses, banners } = inForce()
      const problem = parts.problem()
      const alertIds = new Map(parts.alerts().map(({ id, subject }) => [subject as string, id]))
      return {
        ...{ isEnabled: enabled, mode: parts.mode(), answered, unanswered, banners },
        ...{ ports: [...ports], addresses: [...addresses], givenWay: [...givenWay] },
        ...(problem && enabled && ports.length + addresses.length > 0 && { problem }),
        peers: peers.map((one) => {
          const alertId = alertIds.get(one.peer)
          return { ...one, isBlocked: parts.isBlocked(one.peer), ...(alertId !== undefined && { alertId }) }
        }),
      }
    },
    async change(request: DecoyChange, actor: Actor): Promise<DecoyOutcome> {
      const { dryRun } = request
      const before = inForce()
      const asked = settingsOf(request, before)
      const changes = Object.entries(asked).map(([name, value]) => ({ setting: `decoys.${name}`, value }))
      if (changes.length === 0)
        throw new Refused(400, 'Nothing was asked to change.', 'Name what to add or to remove.')
      const consequences = consequencesOf(before, { ...before, ...asked }, parts)
      const { sentence, decisions } = await settings.change({ changes, ...(dryRun && { dryRun }) }, actor)
      return { sentence, decisions, consequences }
    },
  }
}

/** The settings that this comes to. Throws Refused where it names what is no place, or none of the decoys. */
function settingsOf(request: DecoyChange, before: DecoySettings): Partial<DecoySettings> {
  const { isEnabled, ports, addresses, banners, add = [], remove = [], banner } = request
  const [added, removed] = [readPlaces(add), readPlaces(remove)]
  refuseUnknown(removed, before)
  if (banner !== undefined && added.ports.length === 0)
    throw new Refused(400, 'A banner is for ports.', 'Name a port, such as 23.')
  const without = <Item>(all: readonly Item[], gone: readonly Item[]): Item[] =>
    all.filter((one) => !gone.includes(one))
  const isSaid = banner !== undefined || removed.ports.some((port) => `${port}` in before.banners)
  return {
    ...(isEnabled !== undefined && { enabled: isEnabled }),
    ...(added.ports.length + removed.ports.length > 0 && {
      ports: without([...new Set([...before.ports, ...added.ports])], removed.ports),
    }),
    ...(added.addresses.length + removed.addresses.length > 0 && {
      addresses: without([...new Set([...before.addresses, ...added.addresses])], removed.addresses),
    }),
    ...(isSaid && {
      banners: Object.fromEntries([
        ...Object.entries(before.banners).filter(([port]) => !removed.ports.includes(Number(port))),
        ...(banner === undefined ? [] : added.ports.map((port) => [`${port}`, banner])),
      ]),
    }),
    ...(ports && { ports }),
    ...(addresses && { addresses }),
    ...(banners && { banners }),
  }
}

interface ReadPlaces {
  readonly ports: readonly number[]
  readonly addresses: readonly string[]
}

function readPlaces(words: readonly string[]): ReadPlaces {
  const ports = words.filter(isPort).map(Number)
  const addresses = words.filter((word) => !isPort(word)).map((word) => parseIp(word) ?? refusePlace(word))
  const odd = ports.find((port) => port < 1 || port > 65_535)
  if (odd !== undefined) refusePlace(`${odd}`)
  return { ports, addresses }
}

function refusePlace(word: string): never {
  throw new Refused(
    400,
    `${visibleText(word)} is no TCP port and no address.`,
    'Use a port from 1 to 65535, such as 23, or an address that nobody uses, such as 192.0.2.9.',
  )
}

function refuseUnknown({ ports, addresses }: ReadPlaces, before: DecoySettings): void {
  const unknown = [
    ...ports.filter((port) => !before.ports.includes(port)),
    ...addresses.filter((address) => !before.addresses.includes(address)),
  ]
  if (unknown.length === 0) return
  throw new Refused(404, `${unknown.join(', ')} is no decoy.`, 'See what is: gatehouse decoys')
}

/** What answers: ports as numbers, addresses as they are written. */
const placesOf = ({ enabled, ports, addresses }: DecoySettings): readonly string[] =>
  enabled ? [...ports.map(String), ...addresses] : []

function consequencesOf(
  before: DecoySettings,
  after: DecoySettings,
  { desk, mode, isListening, isOwn }: DecoyPortParts,
): DecoyConsequence[] {
  const [was, is] = [placesOf(before), placesOf(after)]
  const begins = is.filter((place) => !was.includes(place))
  const ends = was.filter((place) => !is.includes(place))
  const held = desk
    .status()
    .peers.filter(({ state, port, address }) => state === 'held' && leads(ends, port, address)).length
  const listens = begins.filter((place) => isPort(place) && isListening(Number(place)))
  const own = begins.filter((place) => {
    const address = parseIp(place)
    return address !== undefined && isOwn(address)
  })
  const waysIn = begins.filter((place) => isPort(place) && WAYS_IN.includes(Number(place)))
  const all: readonly DecoyConsequence[] = [
    { kind: 'answers', places: begins, sentence: `${placesText(begins)} will answer. ${FATE[mode()]}` },
    { kind: 'ends', places: ends, peers: held, sentence: endText(ends, held) },
    {
      ...{ kind: 'listens', places: listens },
      sentence: `A program listens at ${listens.join(', ')} now: no decoy as long as it does.`,
    },
    {
      ...{ kind: 'own', places: own },
      sentence: `${own.join(', ')} is an address of this machine: every port at which no program listens will answer.`,
    },
    {
      ...{ kind: 'way-in', places: waysIn },
      sentence: `Port ${waysIn.join(', ')} is the usual way in: whoever tries it while its program is down is an attacker.`,
    },
  ]
  return all.filter(({ places }) => places.length > 0)
}

const isPort = (place: string): boolean => /^\d+$/.test(place)

const leads = (places: readonly string[], port: number, address: string): boolean =>
  places.includes(`${port}`) || places.includes(address)

const FATE: Readonly<Record<Mode, string>> = {
  act: 'Whoever connects is held, what it sends is recorded, and it is blocked.',
  suggest: 'Whoever connects is held, what it sends is recorded, and a block is suggested.',
  watch: 'Whoever connects is held, what it sends is recorded, and you are told; nobody is blocked.',
  off: 'Whoever connects is held and what it sends is recorded; the detector "decoy" is off, so nobody is told.',
}

function placesText(places: readonly string[]): string {
  const ports = places.filter(isPort)
  const addresses = places.filter((place) => !isPort(place))
  const words = ports.length === 0 ? [] : [`${ports.length === 1 ? 'Port' : 'Ports'} ${ports.join(', ')}`]
  const text = [...words, ...addresses.map((address) => `every TCP port of ${address}`)].join(' and ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function endText(places: readonly string[], held: number): string {
  const letGo =
    held === 0 ? '' : ` ${held === 1 ? 'One that is' : `${held} that are`} held there will be let go.`
  return `${placesText(places)} will answer no more.${letGo}`
}
