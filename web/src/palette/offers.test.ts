import { expect, test } from 'vitest'
import { fitting, isAddress, type Offer, type OfferGroup } from './offers.ts'

const offer = (group: OfferGroup, title: string, words?: string): Offer => ({
  group,
  title,
  icon: 'x',
  run: () => undefined,
  ...(words !== undefined && { words }),
})
const titles = (offers: readonly Offer[], typed: string): string[] =>
  fitting(offers, typed).map(({ title }) => title)

test('with nothing typed all screens and acts are offered, and nothing by chance', () => {
  const offers = [
    ...Array.from({ length: 12 }, (_, at) => offer('go', `Screen ${at}`)),
    offer('act', 'Theme'),
    offer('hosts', '192.0.2.1'),
    offer('search', 'Search connections'),
  ]
  expect(titles(offers, ' ')).toHaveLength(13)
})

test('what starts with the words comes first, then where a word does, within its group', () => {
  const offers = [
    offer('go', 'Doctors of alerts'),
    offer('go', 'Realerts'),
    offer('go', 'Alerts'),
    offer('blocks', 'alert@example.org'),
  ]
  expect(titles(offers, 'ALERT')).toEqual(['Alerts', 'Doctors of alerts', 'Realerts', 'alert@example.org'])
})

test('each word must be found, in the title or in what else names it; a search takes any words', () => {
  const offers = [offer('programs', 'larkmail', '/opt/lark/mail'), offer('search', 'Search connections')]
  expect(titles(offers, 'lark opt')).toEqual(['larkmail', 'Search connections'])
  expect(titles(offers, 'lark usr')).toEqual(['Search connections'])
})

test('five of each group, whatever there is', () => {
  const offers = Array.from({ length: 20 }, (_, at) => offer('hosts', `192.0.2.${at}`))
  expect(titles(offers, '192')).toHaveLength(5)
})

test.each(['(', '[a-', 'a+b', '\\', '$', '⟨ESC⟩'])('%s is looked for as it stands', (typed) => {
  expect(titles([offer('programs', `x ${typed}`), offer('programs', 'other')], typed)).toEqual([`x ${typed}`])
})

test.each([
  ['203.0.113.9', true],
  ['203.0.113.0/24', true],
  ['2001:db8::1', true],
  ['::ffff:192.0.2.1', true],
  ['203.0.113', false],
  ['larkmail', false],
  ['cafe', false],
  ['', false],
])('whether %s is an address: %s', (typed, is) => {
  expect(isAddress(typed)).toBe(is)
})
