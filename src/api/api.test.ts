import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Alert, Outcome, Problem, Status } from '#contract/schemas.ts'
import { createSmallProduct, type SmallProduct } from '../../test/support/port.ts'
import { type Api, createApi } from './api.ts'
import type { Actor } from './port.ts'

const admin: Actor = { name: 'root', role: 'admin' }
const viewer: Actor = { name: 'guest', role: 'viewer' }
const operator: Actor = { name: 'anna', role: 'operator' }

let product: SmallProduct
let api: Api
beforeEach(() => {
  product = createSmallProduct()
  api = createApi(product)
})
afterEach(() => api.close())

const ask = (method: string, path: string, body?: unknown, actor = admin) =>
  api.fetch(
    new Request(`http://gatehouse${path}`, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    }),
    actor,
  )

describe('lists', () => {
  test.each([
    '/api/v1/connections',
    '/api/v1/flows',
    '/api/v1/alerts',
    '/api/v1/blocks',
    '/api/v1/allow',
    '/api/v1/decisions',
    '/api/v1/decisions/verify',
    '/api/v1/doctor',
    '/api/v1/openapi.json',
  ])('a viewer may read %s', async (path) => {
    const answer = await ask('GET', path, undefined, viewer)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toContain('application/json')
  })

  test('status and alerts fit their schema', async () => {
    expect(() => Status.parse(product.status())).not.toThrow()
    const page = (await (await ask('GET', '/api/v1/alerts')).json()) as { items: unknown[] }
    expect(() => Alert.parse(page.items[0])).not.toThrow()
  })

  test('history takes a limit and a peer', async () => {
    const page = await (await ask('GET', '/api/v1/flows?limit=2&peer=2001:DB8::1')).json()
    expect(page).toMatchObject({ total: 2, items: [{ peer: '2001:db8::1' }] })
  })

  test.each(['/metrics', '/api/v1/metrics'])('%s is Prometheus text', async (path) => {
    const answer = await ask('GET', path)
    expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect(await answer.text()).toBe('gatehouse_packets_total 10\n')
  })

  test('openapi.json is 3.1 and names every path', async () => {
    const document = (await (await ask('GET', '/api/v1/openapi.json')).json()) as {
      openapi: string
      paths: object
    }
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/api/v1/blocks/{target}', '/api/v1/events', '/api/v1/decisions/{id}/undo']),
    )
  })
})

describe('acts', () => {
  test('an operator blocks, and the target is canonical', async () => {
    const answer = await ask('POST', '/api/v1/blocks', { target: '2001:DB8::0/32', seconds: 60 }, operator)
    expect(Outcome.parse(await answer.json()).sentence).toBe('blocked 2001:db8::/32 for 60')
    expect(product.acts[0]?.actor).toBe(operator)
  })

  test('a range is unblocked by its encoded name', async () => {
    await ask('DELETE', `/api/v1/blocks/${encodeURIComponent('203.0.113.0/24')}`)
    await ask('DELETE', `/api/v1/blocks/${encodeURIComponent('2001:db8::1')}?dryRun=true`)
    expect(product.acts.map((act) => act.what)).toEqual([
      'unblocked 203.0.113.0/24',
      'would unblock 2001:db8::1',
    ])
  })

  test('undo, archive and close say what they did', async () => {
    await ask('POST', '/api/v1/decisions/3/undo')
    await ask('POST', '/api/v1/alerts/5/archive?archived=false')
    await ask('POST', '/api/v1/connections/7/close')
    expect(product.acts.map((act) => act.what)).toEqual(['undid 3', 'archive 5 false', 'closed 7'])
  })

  test('a dry run of taking an allow entry off changes nothing and refuses what the real one refuses', async () => {
    const path = (target: string) => `/api/v1/allow/${encodeURIComponent(target)}?dryRun=true`
    expect((await ask('DELETE', path('198.51.100.0/24'))).status).toBe(200)
    expect((await ask('DELETE', path('127.0.0.0/8'))).status).toBe(409)
    expect((await ask('DELETE', path('192.0.2.200'))).status).toBe(404)
    expect(product.acts).toEqual([])
  })

  test('the login link is for who asked; the password is taken and not answered', async () => {
    expect(await (await ask('POST', '/api/v1/login-link')).json()).toEqual({
      link: 'http://127.0.0.1:8090/login?token=for-root',
    })
    const answer = await ask('PUT', '/api/v1/password', { password: 'correct horse battery' })
    expect([answer.status, await answer.text()]).toEqual([204, ''])
  })
})

describe('refusals are problems with a hint', () => {
  const problemOf = async (answer: Response | Promise<Response>) => {
    const response = await answer
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const problem = Problem.parse(await response.json())
    expect(problem.status).toBe(response.status)
    return problem
  }

  test.each([
    ['POST', '/api/v1/blocks', { target: '203.0.113.9' }],
    ['DELETE', '/api/v1/blocks/203.0.113.9', undefined],
    ['POST', '/api/v1/allow', { target: '203.0.113.9' }],
    ['DELETE', '/api/v1/allow/203.0.113.9', undefined],
    ['POST', '/api/v1/decisions/3/undo', undefined],
    ['POST', '/api/v1/alerts/5/archive', undefined],
    ['POST', '/api/v1/connections/7/close', undefined],
    ['POST', '/api/v1/login-link', undefined],
    ['PUT', '/api/v1/password', { password: 'correct horse battery' }],
  ])('a viewer may not %s %s', async (method, path, body) => {
    expect((await problemOf(ask(method, path, body, viewer))).status).toBe(403)
    expect(product.acts).toEqual([])
  })

  test('an operator may not make links or passwords', async () => {
    expect((await problemOf(ask('POST', '/api/v1/login-link', undefined, operator))).status).toBe(403)
    expect(
      (await problemOf(ask('PUT', '/api/v1/password', { password: 'x'.repeat(20) }, operator))).status,
    ).toBe(403)
  })

  test.each([
    [{ target: 'example.com' }, 'is no address'],
    [{ target: '1.2.3.4', extra: 1 }, 'body: Unrecognized key'],
    [{ target: '1.2.3.4', seconds: -1 }, 'body.seconds: '],
    [{}, 'body.target: '],
  ])('a body that does not fit says where: %j', async (body, where) => {
    const problem = await problemOf(ask('POST', '/api/v1/blocks', body))
    expect(problem).toMatchObject({ status: 400, detail: expect.stringContaining(where) })
    expect(problem.hint).toBeTruthy()
  })

  test('what the product refuses keeps its words', async () => {
    expect(await problemOf(ask('POST', '/api/v1/blocks', { target: '127.0.0.1' }))).toMatchObject({
      status: 409,
      detail: '127.0.0.1 stays reachable: it is loopback.',
      hint: 'Nothing needs doing.',
    })
  })

  test('broken JSON, no such path, a huge body', async () => {
    const broken = new Request('http://gatehouse/api/v1/blocks', {
      method: 'POST',
      body: '{"target"',
      headers: { 'content-type': 'application/json' },
    })
    expect((await problemOf(api.fetch(broken, admin))).status).toBe(400)
    expect((await problemOf(ask('GET', '/api/v1/nothing'))).status).toBe(404)
    const huge = { target: '1.2.3.4', reason: 'x'.repeat(100_000) }
    expect((await problemOf(ask('POST', '/api/v1/blocks', huge))).status).toBe(413)
  })

  test('a fault inside shows no inner words, and is reported', async () => {
    const faults: Error[] = []
    const broken = { ...product, status: product.status, blocks: () => fail('secret path /x/y') }
    const other = createApi(broken, { onFault: (error) => faults.push(error) })
    const problem = await problemOf(other.fetch(new Request('http://gatehouse/api/v1/blocks'), admin))
    expect(problem.status).toBe(500)
    expect(JSON.stringify(problem)).not.toContain('secret')
    expect(faults.map((error) => error.message)).toEqual(['secret path /x/y'])
    other.close()
  })
})

function fail(message: string): never {
  throw new Error(message)
}

describe('searches and views', () => {
  const q = (query: string): string => `q=${encodeURIComponent(query)}`

  test('a search narrows live connections and history', async () => {
    expect(await (await ask('GET', `/api/v1/connections?${q('port:443 -app:wget')}`)).json()).toHaveLength(1)
    expect(await (await ask('GET', `/api/v1/connections?${q('dst:10.0.0.0/8')}`)).json()).toEqual([])
    const page = await (await ask('GET', `/api/v1/flows?limit=5&${q('proto:tcp')}`)).json()
    expect(page).toMatchObject({ items: [{ id: 7 }], totalIsFloor: true, next: 'next' })
  })

  test.each(['connections?', 'flows?', 'graph?', 'summaries?by=host&'])(
    'what cannot be read in %s is a problem with a caret',
    async (path) => {
      const answer = await ask('GET', `/api/v1/${path}${q('app:curl prot:\u001btcp')}`)
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
      const { detail } = Problem.parse(await answer.json())
      expect(detail).toMatch(/^app:curl prot:\\u\{1b\}tcp\n {9}\^{4}\nThere is no key "prot"\./)
    },
  )

  test('peer and since beside a search are refused, not half obeyed', async () => {
    expect((await ask('GET', `/api/v1/flows?peer=192.0.2.1&${q('proto:tcp')}`)).status).toBe(400)
  })

  test('a viewer looks at every view, and closes nothing', async () => {
    for (const path of [
      'summaries?by=program',
      'first-seen',
      'program?program=curl',
      'hosts/192.0.2.1',
      'graph',
    ]) {
      expect([path, (await ask('GET', `/api/v1/${path}`, undefined, viewer)).status]).toEqual([path, 200])
    }
    expect((await ask('POST', '/api/v1/programs/close', { program: 'curl' }, viewer)).status).toBe(403)
    expect((await ask('POST', '/api/v1/hosts/192.0.2.1/close', undefined, viewer)).status).toBe(403)
    expect(product.acts).toEqual([])
  })

  test('an operator closes what a program or a host has open', async () => {
    await ask('POST', '/api/v1/programs/close', { program: '/usr/bin/curl' }, operator)
    await ask(
      'POST',
      `/api/v1/hosts/${encodeURIComponent('2001:DB8::1')}/close?dryRun=true`,
      undefined,
      operator,
    )
    expect(product.acts).toEqual([
      { what: 'closed program /usr/bin/curl', actor: operator },
      { what: 'would close host 2001:db8::1', actor: operator },
    ])
    expect((await ask('POST', '/api/v1/programs/close', { program: '' }, operator)).status).toBe(400)
    expect((await ask('GET', '/api/v1/hosts/nobody')).status).toBe(400)
    expect((await ask('GET', '/api/v1/summaries?by=weekday')).status).toBe(400)
  })

  test('openapi.json describes them', async () => {
    const document = (await (await ask('GET', '/api/v1/openapi.json')).json()) as { paths: object }
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/summaries',
        '/api/v1/first-seen',
        '/api/v1/program',
        '/api/v1/hosts/{target}',
        '/api/v1/graph',
        '/api/v1/programs/close',
        '/api/v1/hosts/{target}/close',
      ]),
    )
    expect(JSON.stringify(document.paths['/api/v1/flows' as never])).toContain('app:curl -dst:10.0.0.0/8')
  })
})
