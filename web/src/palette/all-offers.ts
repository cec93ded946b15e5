import { block } from '../acts.ts'
import { alertTitle } from '../alert-title.ts'
import { brush } from '../brush.svelte.ts'
import { capsOf } from '../key-caps.ts'
import { keys } from '../keys.svelte.ts'
import { live } from '../live.svelte.ts'
import { route } from '../route.svelte.ts'
import { hrefOf, screens } from '../screens.ts'
import { quoted } from '../search/pieces.ts'
import { type By, isNamed, type Sum, sumsOf } from '../sums/sums.ts'
import { paletteText as words } from '../text/palette.ts'
import { isAddress, type Offer } from './offers.ts'

/** All that the palette offers now, given what is typed. */
export function allOffers(): (typed: string) => Offer[] {
  const lasting = [...places(), ...acts(), ...sums('program'), ...sums('host'), ...alerts(), ...blocks()]
  return (typed) => (typed === '' ? lasting : [...lasting, ...searches(typed)])
}

const goTo = (path: string, query: Readonly<Record<string, string>> = {}): (() => void) => {
  const search = new URLSearchParams(query).toString()
  return () => route.go(search === '' ? path : `${path}?${search}`)
}

const places = (): Offer[] =>
  screens.map((place) => ({
    group: 'go',
    title: place.title,
    icon: place.icon,
    caps: capsOf(`g ${place.key}`),
    run: goTo(brush.href(hrefOf(place))),
  }))

/** What the keys of the open screen do, and those of everywhere. */
const acts = (): Offer[] =>
  keys.all
    .filter(({ group, key }) => (group === 'act' || group === 'view') && key !== 'Ctrl+k')
    .map(({ key, label, run }) => ({ group: 'act', title: label, icon: 'kbd', caps: capsOf(key), run }))

function sums(by: By): Offer[] {
  const group = by === 'program' ? 'programs' : 'hosts'
  return [...sumsOf(live.connections.values(), by, (id) => live.goneAt.has(id)).values()]
    .filter(isNamed)
    .sort((a, b) => b.connections - a.connections)
    .map((sum) => ({ group, run: goTo(`/${group}`, { sel: sum.key }), ...shownAs(sum, by) }))
}

const shownAs = (
  { key, name, peer }: Sum,
  by: By,
): Pick<Offer, 'title' | 'icon' | 'hint' | 'words' | 'isAddress'> =>
  by === 'program'
    ? { title: name, icon: 'prog', hint: key, words: key }
    : {
        title: key,
        icon: 'globe',
        hint: peer?.name,
        words: `${peer?.name ?? ''} ${peer?.asName ?? ''}`,
        isAddress: true,
      }

const alerts = (): Offer[] =>
  live.alerts.map((alert) => ({
    group: 'alerts',
    title: alertTitle(alert),
    icon: 'bell',
    hint: alert.subject,
    words: `${alert.subject} ${alert.detector} ${alert.summary}`,
    run: goTo(`/alerts/${alert.id}`),
  }))

const blocks = (): Offer[] =>
  live.blocks.map(({ target, reason }) => ({
    group: 'blocks',
    title: target,
    icon: 'ban',
    hint: reason,
    words: reason,
    isAddress: true,
    run: goTo('/blocks', { q: target }),
  }))

/** What is typed, looked for where more is than the page holds; an address can be shut out, too. */
function searches(typed: string): Offer[] {
  const is = isAddress(typed)
  const query = is ? `peer:${typed}` : quoted(typed)
  const search = (title: string, icon: string, run: () => void): Offer => ({
    group: 'search',
    title,
    icon,
    run,
  })
  return [
    search(words.searchLive(typed), 'conn', goTo('/connections', { q: query })),
    search(words.searchPast(typed), 'clock', goTo('/connections', { when: 'past', q: query })),
    search(words.searchLists(typed), 'listen', goTo('/lists', { q: typed })),
    ...(is
      ? [
          search(words.searchBlocks(typed), 'shield', goTo('/blocks', { q: typed })),
          search(words.block(typed), 'ban', () => void block({ target: typed })),
        ]
      : [search(words.searchSettings(typed), 'sliders', goTo('/settings', { q: typed }))]),
  ]
}
