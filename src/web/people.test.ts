import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '#lib/one-time-code.ts'
import { cookieOf, Site } from '../../test/support/web-site.ts'

const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const PASSWORD = 'correct horse'

let site: Site
beforeEach(async () => {
  site = await Site.open()
})
afterEach(() => site.close())

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

const signIn = async (given: object) => {
  const answer = await site.signIn(given)
  return { status: answer.status, body: JSON.parse(answer.text) as Record<string, unknown>, answer }
}

describe('accounts', () => {
  test('each signs in with its own password, in its own role', async () => {
    await site.giveAccount('owner', 'admin', 'another one')
    await site.giveAccount('vera', 'viewer', PASSWORD)
    expect((await signIn({ name: 'vera', password: PASSWORD })).body).toMatchObject({ role: 'viewer' })
    expect((await signIn({ name: 'owner', password: PASSWORD })).status).toBe(401)
    const out = JSON.parse((await site.ask('GET', '/session')).text)
    expect(out.signIn).toEqual({ password: true, names: true })
  })

  test('a name may be left out where there is one password only', async () => {
    await site.giveAccount('owner', 'admin', PASSWORD)
    expect((await signIn({ password: PASSWORD })).body).toMatchObject({ name: 'owner' })
    await site.giveAccount('vera', 'viewer', 'another one')
    expect((await signIn({ password: PASSWORD })).status).toBe(401)
  })

  test('a name that is none is answered like a wrong password, and the log holds neither', async () => {
    await site.giveAccount('owner', 'admin', PASSWORD)
    const [unknown, wrong] = [
      await signIn({ name: 'nobody', password: 'sesame-street' }),
      await signIn({ name: 'owner', password: 'sesame-street' }),
    ]
    expect(unknown.body).toEqual(wrong.body)
    expect(JSON.stringify(site.log)).not.toMatch(/sesame-street|nobody/)
  })

  test('who is taken away is out at once', async () => {
    await site.giveAccount('vera', 'viewer', PASSWORD)
    const cookie = cookieOf((await signIn({ name: 'vera', password: PASSWORD })).answer)
    expect((await site.ask('GET', '/api/v1/status', { headers: { cookie } })).status).toBe(200)
    site.web.hear({ kind: 'people', people: { accounts: [], tokens: [] } })
    expect((await site.ask('GET', '/api/v1/status', { headers: { cookie } })).status).toBe(401)
  })

  test('a cookie that somebody planted is not the one of the session', async () => {
    await site.giveAccount('owner', 'admin', PASSWORD)
    const planted = `gatehouse-${site.port}=${'a'.repeat(43)}`
    const answer = await site.signIn({ password: PASSWORD }, site.ours({ cookie: planted }))
    expect(cookieOf(answer)).not.toBe(planted)
    expect((await site.ask('GET', '/session', { headers: { cookie: planted } })).status).toBe(401)
  })
})

describe('codes', () => {
  const RECOVERY = '01234567-89abcdef'
  const RECOVERY_DIGEST = digestOf(RECOVERY)
  beforeEach(() =>
    site.giveAccount('owner', 'admin', PASSWORD, { codeSecret: SECRET, recovery: [RECOVERY_DIGEST] }),
  )

  test('the password alone is not enough, and the answer asks for the code', async () => {
    const { status, body } = await signIn({ password: PASSWORD })
    expect([status, body['signIn']]).toEqual([401, { code: true }])
    expect((await signIn({ password: PASSWORD, code: codeOf(SECRET, site.now) })).status).toBe(200)
  })

  test('a code works once, also for who saw it typed', async () => {
    const code = codeOf(SECRET, site.now)
    expect((await signIn({ password: PASSWORD, code })).status).toBe(200)
    expect((await signIn({ password: PASSWORD, code })).status).toBe(401)
    site.now += 30_000
    expect((await signIn({ password: PASSWORD, code: codeOf(SECRET, site.now) })).status).toBe(200)
  })

  test('a right code without the password is no way in, and does not ask for more', async () => {
    const { status, body } = await signIn({ password: 'guess', code: codeOf(SECRET, site.now) })
    expect([status, body['signIn']]).toEqual([401, undefined])
  })

  test('guessing codes is slowed down like guessing passwords', async () => {
    const statuses: number[] = []
    for (let guess = 0; guess < 6; guess++) {
      statuses.push((await signIn({ password: PASSWORD, code: `00000${guess}` })).status)
    }
    expect(statuses.slice(3)).toEqual([429, 429, 429])
  })

  test('to be asked for the code is no wrong try: the password was right', async () => {
    for (let turn = 0; turn < 5; turn++) {
      expect((await signIn({ password: PASSWORD })).body['signIn']).toEqual({ code: true })
    }
    expect((await signIn({ password: PASSWORD, code: codeOf(SECRET, site.now) })).status).toBe(200)
  })

  test('a recovery code works once, and the core hears of it', async () => {
    expect((await signIn({ password: PASSWORD, code: RECOVERY })).status).toBe(200)
    const told = site.reports.filter(({ kind }) => kind === 'spent')
    expect(told).toEqual([{ kind: 'spent', name: 'owner', digest: RECOVERY_DIGEST }])
    expect((await signIn({ password: PASSWORD, code: RECOVERY })).status).toBe(401)
  })
})

describe('proof', () => {
  test('the password once more makes a session fresh; a wrong one does not', async () => {
    await site.giveAccount('owner', 'admin', PASSWORD)
    const cookie = cookieOf((await signIn({ password: PASSWORD })).answer)
    const prove = (password: string) =>
      site.ask('POST', '/proof', { headers: site.ours({ cookie }), body: JSON.stringify({ password }) })
    site.now += 1_000_000
    expect((await prove('guess')).status).toBe(401)
    expect(JSON.parse((await prove(PASSWORD)).text).provenAt).toBe(site.now)
  })

  test('needs a session, and is for the account of that session', async () => {
    await site.giveAccount('owner', 'admin', PASSWORD)
    const body = JSON.stringify({ password: PASSWORD })
    expect((await site.ask('POST', '/proof', { headers: site.ours(), body })).status).toBe(401)
    // Anna came by a link and has no password: that of another proves nothing.
    const cookie = await site.cookie()
    expect((await site.ask('POST', '/proof', { headers: site.ours({ cookie }), body })).status).toBe(401)
  })
})

describe('tokens', () => {
  const give = (scope: 'metrics' | 'viewer' | 'operator', endsAt?: number): void => {
    const token = { name: 'grafana', scope, digest: digestOf('gh_token'), ...(endsAt && { endsAt }) }
    site.web.hear({ kind: 'people', people: { accounts: [], tokens: [token] } })
  }
  const bearer = { authorization: 'Bearer gh_token' }
  const block = (headers: Record<string, string>) =>
    site.ask('POST', '/api/v1/blocks', {
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"target":"203.0.113.9"}',
    })

  test('act in their scope, under their own name', async () => {
    give('operator')
    expect((await block(bearer)).status).toBe(200)
    expect(site.product.acts[0]?.actor).toEqual({ name: 'token grafana', role: 'operator' })
    give('viewer')
    expect((await site.ask('GET', '/api/v1/status', { headers: bearer })).status).toBe(200)
    expect((await block(bearer)).status).toBe(403)
  })

  test('for metrics read metrics and nothing else', async () => {
    give('metrics')
    expect((await site.ask('GET', '/api/v1/metrics', { headers: bearer })).text).toContain('gatehouse_')
    for (const path of ['/api/v1/status', '/api/v1/metrics/../status', '/api/v1/connections']) {
      expect((await site.ask('GET', path, { headers: bearer })).status).not.toBe(200)
    }
  })

  test('that are over, unknown or revoked are no way in', async () => {
    give('operator', site.now)
    expect((await block(bearer)).status).toBe(401)
    give('operator')
    expect((await block({ authorization: 'Bearer gh_other' })).status).toBe(401)
    site.web.hear({ kind: 'people', people: { accounts: [], tokens: [] } })
    expect((await block(bearer)).status).toBe(401)
  })

  test('do not help another site, which cannot leave its origin out', async () => {
    give('operator')
    expect((await block({ ...bearer, origin: 'http://evil.example' })).status).toBe(403)
    expect((await block({ ...bearer, host: 'evil.example' })).status).toBe(421)
  })
})

describe('the core', () => {
  test('hears who is signed in, and ends a session', async () => {
    const cookie = await site.cookie()
    site.web.hear({ kind: 'sessions', number: 7 })
    const report = site.reports.at(-1)
    expect(report).toMatchObject({ kind: 'sessions', number: 7, sessions: [{ name: 'anna', by: 'link' }] })
    if (report?.kind !== 'sessions') throw new Error('no sessions')
    site.web.hear({ kind: 'end', number: 8, id: report.sessions[0]?.id ?? '' })
    expect(site.reports.at(-1)).toEqual({ kind: 'sessions', number: 8, sessions: [] })
    expect((await site.ask('GET', '/session', { headers: { cookie } })).status).toBe(401)
  })
})
