import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cookieOf, Site } from '../../test/support/web-site.ts'
import { makeLink } from './links.ts'

let site: Site
beforeEach(async () => {
  site = await Site.open()
})
afterEach(() => site.close())

describe('signing in', () => {
  test('a link opens a session in a cookie that no script, no other site and no other port’s name can have', async () => {
    const answer = await site.signIn({ token: site.token })
    expect(JSON.parse(answer.text)).toMatchObject({ name: 'anna', role: 'operator', signedInAt: site.now })
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      new RegExp(`^gatehouse-${site.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
    )
    const cookie = cookieOf(answer)
    expect((await site.ask('GET', '/session', { headers: { cookie } })).status).toBe(200)
    expect((await site.ask('GET', '/api/v1/status', { headers: { cookie } })).text).toContain('protecting')
  })

  test('a link works once, and reading it does not spend it', async () => {
    for (const path of [`/login?token=${site.token}`, '/login'])
      expect((await site.ask('GET', path)).status).toBe(200)
    expect((await site.signIn({ token: site.token })).status).toBe(200)
    const again = await site.signIn({ token: site.token })
    expect(again.status).toBe(401)
    expect(again.text).toContain('used already')
    expect(again.headers['set-cookie']).toBeUndefined()
  })

  test('a new link from the core works; no token is ever logged', async () => {
    const fresh = makeLink({ name: 'ben', role: 'viewer' }, site.now + 1000)
    site.web.hear({ kind: 'link', link: fresh.grant })
    await site.ask('GET', `/login?token=${fresh.token}`)
    expect((await site.signIn({ token: fresh.token })).status).toBe(200)
    expect(site.log).toContainEqual({ method: 'GET', path: '/login', status: 200 })
    expect(site.log).toContainEqual({ address: '127.0.0.1', signedIn: 'ben', by: 'link' })
    expect((await site.signIn({ token: fresh.token })).status).toBe(401)
    expect(site.log).toContainEqual({
      address: '127.0.0.1',
      refused: expect.stringContaining('used already'),
    })
    expect(JSON.stringify(site.log)).not.toContain(fresh.token)
  })

  test('wrong passwords are answered more and more slowly, the right one still lets in after the wait', async () => {
    await site.giveAccount('owner', 'admin', 'correct horse')
    for (let count = 0; count < 3; count++)
      expect((await site.signIn({ password: 'guess' })).status).toBe(401)
    const slowed = await site.signIn({ password: 'correct horse' })
    expect([slowed.status, slowed.headers['retry-after']]).toEqual([429, '1'])
    site.now += 1000
    const cookie = cookieOf(await site.signIn({ password: 'correct horse' }))
    expect((await site.ask('GET', '/session', { headers: { cookie } })).text).toContain('"role":"admin"')

    await site.giveAccount('owner', 'admin', 'another one')
    expect((await site.ask('GET', '/session', { headers: { cookie } })).status).toBe(401)
  })

  test('guesses side by side are no way around the wait', async () => {
    await site.giveAccount('owner', 'admin', 'correct horse')
    const answers = await Promise.all(Array.from({ length: 20 }, () => site.signIn({ password: 'guess' })))
    const judged = answers.filter((answer) => answer.status === 401)
    expect(judged.length).toBeLessThanOrEqual(3)
    expect(answers.filter((answer) => answer.status === 429)).toHaveLength(20 - judged.length)
  })

  test.each(['', '{', '[]', '{"token":5}', '{"token":"x","password":"y"}', '{"token":""}'])(
    '%j is no way in',
    async (body) => {
      expect((await site.ask('POST', '/login', { headers: site.ours(), body })).status).toBe(400)
    },
  )

  test('without a session there is no API, and the answer says which ways in there are', async () => {
    const answer = await site.ask('GET', '/api/v1/status')
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.text)).toMatchObject({ status: 401, signIn: { password: false, names: false } })
    for (const cookie of [
      'gatehouse-1=x',
      `gatehouse-${site.port}=`,
      `gatehouse-${site.port}=${'a'.repeat(43)}`,
    ]) {
      expect((await site.ask('GET', '/api/v1/blocks', { headers: { cookie } })).status).toBe(401)
    }
  })

  test('signing out ends the session; a session ends by itself', async () => {
    const cookie = await site.cookie()
    const out = await site.ask('POST', '/logout', { headers: site.ours({ cookie }) })
    expect([out.status, out.headers['set-cookie']?.[0]]).toEqual([204, expect.stringContaining('Max-Age=0')])
    expect((await site.ask('GET', '/session', { headers: { cookie } })).status).toBe(401)

    const fresh = makeLink({ name: 'anna', role: 'operator' })
    site.web.hear({ kind: 'link', link: fresh.grant })
    const second = cookieOf(await site.signIn({ token: fresh.token }))
    site.now += 9 * 3_600_000
    expect((await site.ask('GET', '/session', { headers: { cookie: second } })).status).toBe(401)
  })
})

describe('other sites', () => {
  test('a name that was bent to this machine is turned away, whatever it asks', async () => {
    for (const path of ['/', '/session', '/api/v1/status', '/login']) {
      const answer = await site.ask('GET', path, { headers: { host: `evil.example:${site.port}` } })
      expect(answer.status).toBe(421)
      expect(answer.text).not.toContain('<title>Gatehouse</title>')
    }
  })

  test('a change needs our own origin and a header that a foreign form cannot send', async () => {
    const cookie = await site.cookie()
    const block = (headers: Record<string, string>) =>
      site.ask('POST', '/api/v1/blocks', {
        headers: { ...headers, cookie },
        body: '{"target":"203.0.113.7"}',
      })
    const bare = site.ours()
    const without = (name: string) => Object.fromEntries(Object.entries(bare).filter(([key]) => key !== name))
    for (const headers of [
      without('origin'),
      without('x-gatehouse'),
      site.ours({ origin: 'https://evil.example' }),
      site.ours({ origin: 'null' }),
      site.ours({ origin: 'http://127.0.0.1:3000' }),
      site.ours({ 'sec-fetch-site': 'cross-site' }),
      site.ours({ 'sec-fetch-site': 'same-site' }),
    ]) {
      expect((await block(headers as Record<string, string>)).status).toBe(403)
    }
    expect(site.product.acts).toEqual([])
    expect((await block(site.ours({ 'sec-fetch-site': 'same-origin' }))).status).toBe(200)
    expect(site.product.acts[0]?.actor).toMatchObject({ name: 'anna', role: 'operator' })
  })

  test('login and logout ask the same; data is not for other sites either', async () => {
    expect(
      (await site.signIn({ token: site.token }, site.ours({ origin: 'https://evil.example' }))).status,
    ).toBe(403)
    const cookie = await site.cookie()
    const foreign = { origin: 'https://evil.example', 'x-gatehouse': '1', cookie }
    expect((await site.ask('POST', '/logout', { headers: foreign })).status).toBe(403)
    const read = await site.ask('GET', '/api/v1/status', {
      headers: { cookie, 'sec-fetch-site': 'same-site' },
    })
    expect(read.status).toBe(403)
  })

  test('behind https the cookie is a __Host- one', async () => {
    await site.serve({ origins: ['https://gate.lan.example'] })
    const headers = site.ours({ host: 'gate.lan.example', origin: 'https://gate.lan.example' })
    const answer = await site.signIn({ token: site.token }, headers)
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^__Host-gatehouse=.*; HttpOnly; SameSite=Strict; Secure$/,
    )
  })
})
