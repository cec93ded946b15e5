import { expect, test } from 'vitest'
import { parseRules } from '#policy/rules/parse.ts'
import { madeUpPlaces } from '../../test/support/made-up-places.ts'
import { createRuleWorld } from './rule-world.ts'

const RULES = 'rules: [{ action: deny, country: DE }, { action: deny, asn: 64500 }, deny 22/tcp]'

test('without data about places good rules are taken at the start, and refused when they are written', () => {
  const said: string[] = []
  const world = createRuleWorld(undefined, (text) => said.push(text))
  expect(parseRules(RULES, 'rules.yaml', world).book?.rules).toHaveLength(3)
  expect(said).toEqual([
    'Rules by country or network match nothing: there is no data about them. Run: npm run places',
  ])
  world.started()
  expect(parseRules(RULES, 'rules.yaml', world).book).toBeUndefined()
})

test('with data nothing is told', () => {
  const said: string[] = []
  const world = createRuleWorld(madeUpPlaces({ DE: ['203.0.113.0/24'] }), (text) => said.push(text))
  expect(parseRules(RULES, 'rules.yaml', world).book?.rules).toHaveLength(3)
  world.started()
  expect(parseRules(RULES, 'rules.yaml', world).book?.rules).toHaveLength(3)
  expect(said).toEqual([])
})
