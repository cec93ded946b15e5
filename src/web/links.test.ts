import { expect, test } from 'vitest'
import { createLinks, linkText, makeLink, TOKEN_PATTERN } from './links.ts'
import { LinkGrant } from './spawn-contract.ts'

const anna = { name: 'anna', role: 'operator' as const }

test('a link lets in whom it was made for, once', () => {
  const links = createLinks()
  const { token, grant } = makeLink(anna)
  links.add(grant)
  expect(links.spend(token, 1)).toMatchObject(anna)
  expect(links.spend(token, 2)).toBeUndefined()
})

test('a link that ends is worth nothing after; one without an end waits', () => {
  const links = createLinks()
  const short = makeLink(anna, 1_000)
  const long = makeLink(anna)
  links.add(short.grant)
  links.add(long.grant)
  expect(links.spend(short.token, 1_000)).toBeUndefined()
  expect(links.spend(long.token, 9e15)).toMatchObject(anna)
})

test('what the web process is told gives no token away, and the link holds it where no server sees it', () => {
  const { token, grant } = makeLink(anna)
  expect(token).toMatch(TOKEN_PATTERN)
  expect(JSON.stringify(LinkGrant.parse(grant))).not.toContain(token)
  expect(new URL(linkText('http://127.0.0.1:8090', token)).pathname).toBe('/login')
  expect(new URL(linkText('http://127.0.0.1:8090', token)).hash).toBe(`#token=${token}`)
})

test('unused links do not pile up: the oldest makes room', () => {
  const links = createLinks()
  const made = Array.from({ length: 65 }, () => makeLink(anna))
  for (const { grant } of made) links.add(grant)
  expect(links.spend(made[0]?.token ?? '', 1)).toBeUndefined()
  expect(links.spend(made[64]?.token ?? '', 1)).toBeDefined()
})
