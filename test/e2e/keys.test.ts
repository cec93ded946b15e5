import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import {
  type Check,
  closeDialog,
  cursor,
  isAt,
  letsGo,
  moves,
  movesBack,
  opensDialog,
  opensInspector,
  press,
  query,
  turnsTable,
} from '../support/key-checks.ts'
import { testWith } from '../support/needs.ts'
import { goTo } from '../support/page-world.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'
import { settled } from '../support/settled.ts'
import { ABROAD, layAbroad, listen, talk } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

const RULES = `defaults: { inbound: allow }
rules:
  - { id: web, action: allow, direction: inbound, protocol: tcp, port: 80, comment: The web site }
  - { id: mail, action: deny, direction: outbound, protocol: tcp, port: 25, comment: No mail }
`
const TARGETS = ['198.51.100.7', '198.51.100.8']

const ADDRESS_OF_ANY = /^Never block (\S+?)A?$/
const ADDRESS = /(?:\d+\.){3}\d+/
/** Where the checks of a screen find what they need, and little else. */
const PLACES: Readonly<Record<string, string>> = {
  '/connections': '/connections?q=app:larkmail&sort=name',
}

const list = { J: moves, K: movesBack, Esc: letsGo }

/** Those that hold on every screen. */
const EVERYWHERE: Readonly<Record<string, Check>> = {
  U: async (page) => {
    await press(page, 'u')
    await page.locator('.toast').waitFor()
  },
  '/': async (page) => {
    await press(page, '/')
    await expect.poll(() => page.evaluate('document.activeElement.localName')).toBe('input')
    await press(page, 'Escape')
    await page.evaluate('document.activeElement.blur()')
  },
  Space: async (page) => {
    await page.evaluate('document.activeElement.blur()')
    await press(page, ' ')
    await page.getByText('Paused at').waitFor()
    await press(page, ' ')
    await page.getByText('Paused at').waitFor({ state: 'detached' })
  },
  'Shift D': async (page) => {
    const theme = 'document.documentElement.dataset.theme'
    const before = await page.evaluate(theme)
    await press(page, 'Shift+D')
    await expect.poll(() => page.evaluate(theme)).not.toBe(before)
  },
  '?': opensDialog('?'),
  'Ctrl K': async (page) => {
    // In a field, too.
    await press(page, '/', 'Control+k')
    await page.getByRole('dialog', { name: 'Jump, search, act' }).waitFor()
    await page.keyboard.type('doct')
    await page.getByRole('option', { name: 'Doctor' }).and(page.locator('[aria-selected=true]')).waitFor()
    await press(page, 'Enter')
    await isAt(page, '/doctor')
  },
}
/** What lists have in common; a screen with other keys has checks of its own below. */
const USUAL: Readonly<Record<string, Check>> = { ...list, N: opensDialog('n') }

/** On its second row, below the program; answers the address that stands there. */
async function toHost(page: Page, ...keys: readonly string[]): Promise<string> {
  await press(page, 'j', 'j')
  await expect.poll(() => cursor(page)).toMatch(ADDRESS)
  const address = ADDRESS.exec(await cursor(page))?.[0] ?? ''
  await press(page, ...keys)
  return address
}
const expanded = (page: Page): Promise<string | null> =>
  page.evaluate(`document.querySelector('main .row.is-cursor')?.getAttribute('aria-expanded') ?? null`)
const selected = (page: Page, count: number): Promise<void> => page.getByText(`${count} selected`).waitFor()

const CONNECTIONS: Readonly<Record<string, Check>> = {
  ...list,
  Enter: opensInspector,
  '←': async (page) => {
    await press(page, 'j')
    await expect.poll(() => expanded(page)).toBe('true')
    await press(page, 'ArrowLeft')
    await expect.poll(() => expanded(page)).toBe('false')
  },
  '→': async (page) => {
    await press(page, 'j')
    await expect.poll(() => expanded(page)).toBe('true')
    await press(page, 'ArrowLeft')
    await expect.poll(() => expanded(page)).toBe('false')
    await press(page, 'ArrowRight')
    await expect.poll(() => expanded(page)).toBe('true')
  },
  X: async (page) => {
    await toHost(page, 'x')
    await selected(page, 1)
  },
  'Shift X': async (page) => {
    await toHost(page, 'x', 'j', 'j', 'Shift+X')
    await selected(page, 3)
  },
  C: async (page) => {
    const address = await toHost(page, 'c')
    await page.locator('.toast', { hasText: `Copied: ${address}` }).waitFor()
  },
  'Shift B': async (page) => {
    const address = await toHost(page, 'Shift+B')
    expect(await page.getByRole('dialog').getByLabel('Address or range').inputValue()).toBe(address)
    await closeDialog(page)
  },
  R: async (page) => {
    await toHost(page, 'r')
    await isAt(page, '/rules')
    await page.locator('dialog[open]').waitFor()
    await closeDialog(page)
  },
  E: async (page) => {
    await toHost(page, 'e')
    await page.locator('.toast', { hasText: 'was closed' }).waitFor()
  },
  B: async (page) => {
    const address = await toHost(page, 'b')
    await page.locator('.toast', { hasText: `${address} is blocked` }).waitFor()
    await press(page, 'u')
    await page.locator('.toast', { hasText: 'reachable again' }).waitFor()
  },
}

const ALERTS: Readonly<Record<string, Check>> = {
  J: async (page) => {
    await press(page, 'j')
    await page.getByRole('heading', { level: 2, name: /tried/ }).waitFor()
    const first = page.url()
    await press(page, 'j')
    await expect.poll(() => page.url()).not.toBe(first)
  },
  K: async (page) => {
    await press(page, 'j', 'j')
    await page.getByRole('heading', { level: 2, name: /tried/ }).waitFor()
    const second = page.url()
    await press(page, 'k')
    await expect.poll(() => page.url()).not.toBe(second)
  },
  Enter: async (page) => {
    await press(page, 'Enter')
    await page.getByRole('heading', { level: 2, name: /tried/ }).waitFor()
  },
  Esc: async (page) => {
    await press(page, 'j')
    await page.getByRole('heading', { level: 2, name: /tried/ }).waitFor()
    await press(page, 'Escape')
    await isAt(page, '/alerts')
  },
  X: async (page) => {
    await press(page, 'j', 'x')
    await selected(page, 1)
  },
  'Shift X': async (page) => {
    await press(page, 'j', 'x', 'j', 'Shift+X')
    await selected(page, 2)
  },
  'Shift B': async (page) => {
    await press(page, 'j', 'Shift+B')
    await page.locator('dialog[open]').waitFor()
    await closeDialog(page)
  },
  B: async (page) => {
    await press(page, 'j', 'b')
    await page.locator('.toast', { hasText: 'is blocked' }).waitFor()
    await press(page, 'b')
    await page.locator('.toast', { hasText: 'reachable again' }).waitFor()
  },
  L: async (page) => {
    await press(page, 'j', 'l')
    await page.locator('.toast', { hasText: '1 alert comes back on' }).waitFor()
    await page.getByRole('button', { name: 'Later 1' }).waitFor()
    await press(page, 'u')
    await page.getByRole('button', { name: 'Later', exact: true }).waitFor()
  },
  E: async (page) => {
    await press(page, 'j', 'e')
    await page.locator('.toast', { hasText: '1 alert is done' }).waitFor()
  },
}

const CHECKS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  '/connections': CONNECTIONS,
  '/programs': { ...list, Enter: opensInspector },
  '/hosts': { ...list, Enter: opensInspector },
  '/graph': {
    'Shift T': turnsTable,
    Esc: async (page) => {
      await page.getByRole('button', { name: /^tidesync, / }).focus()
      await press(page, 'Enter')
      await page.getByLabel('Inspector').waitFor()
      await press(page, 'Escape')
      await page.getByLabel('Inspector').waitFor({ state: 'detached' })
    },
  },
  '/timeline': {
    'Shift T': turnsTable,
    Esc: async (page) => {
      await page.getByRole('slider', { name: 'Start of the marked part' }).focus()
      await press(page, 'ArrowRight')
      await expect.poll(() => query(page, 'from')).not.toBe(null)
      await press(page, 'Escape')
      await expect.poll(() => query(page, 'from')).toBe(null)
    },
  },
  '/blocks': {
    ...USUAL,
    E: async (page) => {
      await press(page, 'j', 'e')
      expect(await page.getByRole('dialog').getByLabel('Address or range').inputValue()).toMatch(/^198/)
      await closeDialog(page)
    },
    B: async (page) => {
      await press(page, 'j', 'b')
      await page.locator('.toast', { hasText: 'reachable again' }).waitFor()
    },
  },
  '/decisions': {
    ...list,
    B: async (page) => {
      await press(page, 'j', 'j', 'b')
      await page.locator('.toast', { hasText: /again|blocked/ }).waitFor()
    },
  },
}

describe('the keyboard', () => {
  let real: RealPage

  beforeAll(async () => {
    real = await startRealPage({ config: 'respond: { modes: { port-scan: suggest } }\n', rules: RULES })
    const { server, client } = real.wire
    layAbroad(real.wire)
    const port = await listen(client)
    // Its only program, so that rows stand where the checks look for them; the most talkative host is the first.
    const { AU, BR, JP } = ABROAD
    talk(server, real.folder, port, { program: 'larkmail', to: [AU, BR, JP], bytesEach: 500 })
    for (const target of TARGETS) real.gatehouse('block', target)
    for (const address of [server.ip4, server.ip6]) client.run('bash', '-c', knockAt(address))
  })
  afterAll(async () => {
    await real?.remove()
  })

  const knockAt = (address: string): string =>
    `for port in $(seq 1 14); do (echo > /dev/tcp/${address}/$port) 2>&1; done; true`

  const showsNewAlert: Check = async (page) => {
    await page.getByRole('grid').hover()
    // From another address: a third story.
    const { server, client } = real.wire
    client.run('ip', 'route', 'replace', `${server.ip4}/32`, 'dev', client.link, 'src', ABROAD.US)
    client.run('bash', '-c', knockAt(server.ip4))
    await page.locator('.pill-new').waitFor()
    await press(page, '.')
    await page.locator('.pill-new').waitFor({ state: 'detached' })
  }
  /** Of a list of what is decided: a block that is made elsewhere waits. */
  const showsNewBlock =
    (target: string): Check =>
    async (page) => {
      await page.getByRole('grid').hover()
      real.gatehouse('block', target)
      await page.locator('.pill-new').waitFor()
      expect(await page.locator('main .row', { hasText: target }).count()).toBe(0)
      await press(page, '.')
      await page.locator('.pill-new').waitFor({ state: 'detached' })
      await page.locator('main .row', { hasText: target }).first().waitFor()
    }
  /** An alert that suggests a block asks; the answer is on the allow list until it is taken back. */
  const allowsWhenAsked: Check = async (page) => {
    await press(page, 'j')
    const allow = page.getByRole('button', { name: /^Never block/ })
    const address = ADDRESS_OF_ANY.exec((await allow.textContent()) ?? '')?.[1] ?? 'no address'
    const isAllowed = (): boolean => real.gatehouse('allow', 'list').includes(address)
    expect(isAllowed()).toBe(false)
    await press(page, 'a')
    await expect.poll(isAllowed).toBe(true)
    await page.locator('.toast', { hasText: address }).waitFor()
    await press(page, 'u')
    await expect.poll(isAllowed).toBe(false)
    await allow.waitFor()
  }
  /** A list that has the pointer or the focus holds still: what is new waits for its key. */
  const showsNew: Check = async (page) => {
    await go(page, '/connections')
    await page.getByRole('treegrid').focus()
    const { server, client } = real.wire
    const about = { program: 'tidesync', to: [client.ip4], bytesEach: 100 }
    talk(server, real.folder, await listen(client), about)
    await page.locator('.pill-new').waitFor()
    await press(page, '.')
    await page.locator('.pill-new').waitFor({ state: 'detached' })
  }

  /** Those that need the daemon, or who talks to it. */
  const ofDaemon: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
    '/connections': { '.': showsNew },
    '/alerts': { A: allowsWhenAsked, ...ALERTS, '.': showsNewAlert },
    '/blocks': { '.': showsNewBlock('198.51.100.21') },
    '/decisions': { '.': showsNewBlock('198.51.100.22') },
  }

  const go = async (page: Page, path: string): Promise<void> => {
    await goTo(page, path)
    await settled(page)
  }
  /** The help's own list: what is pressed, and what it says of it. */
  async function helpOf(page: Page): Promise<Map<string, string>> {
    await press(page, '?')
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
    const all = (await page.evaluate(`[...document.querySelectorAll('.keys li')].map((line) => [
      [...line.querySelectorAll('kbd')].map((cap) => cap.textContent).join(' '),
      line.firstChild.textContent.trim(),
    ])`)) as [string, string][]
    await closeDialog(page)
    return new Map(all)
  }

  const named = async (what: string, check: Promise<void> | undefined): Promise<void> => {
    await check?.catch((problem: Error) => {
      throw new Error(`${what}: ${problem.message}`, { cause: problem })
    })
  }

  test('goes to each screen that there is, and each key of everywhere does what the help says', async () => {
    const { page, wrongs } = await real.signIn()
    const help = await helpOf(page)
    const places = [...help].filter(([caps]) => /^G \S$/.test(caps))
    expect(places.length).toBeGreaterThan(10)
    for (const [caps, title] of places) {
      await press(page, ...caps.toLowerCase().split(' '))
      await page.locator('nav a[aria-current=page]', { hasText: title }).waitFor()
    }
    await go(page, '/blocks')
    for (const check of Object.values(EVERYWHERE)) await check(page)
    expect(wrongs).toEqual([])
    await page.context().close()
  })

  test('does on each screen what the help lists there, and every key of the help has a check', async () => {
    const { page, wrongs } = await real.signIn()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const paths = (await page.evaluate(
      `[...document.querySelectorAll('nav a[href^="/"]')].map((link) => new URL(link.href).pathname)`,
    )) as string[]
    const unchecked: string[] = []
    for (const path of new Set(paths)) {
      await go(page, path)
      const listed = [...(await helpOf(page)).keys()].filter(
        (caps) => !/^G \S$/.test(caps) && !EVERYWHERE[caps],
      )
      const checks: Readonly<Record<string, Check>> = { ...(CHECKS[path] ?? USUAL), ...ofDaemon[path] }
      unchecked.push(...listed.filter((caps) => !checks[caps]).map((caps) => `${path}: ${caps}`))
      for (const caps of Object.keys(checks).filter((one) => listed.includes(one))) {
        await go(page, PLACES[path] ?? path)
        if (listed.includes('J')) await page.locator('main .table .row').first().waitFor()
        await named(`${caps} on ${path}`, checks[caps]?.(page))
      }
    }
    expect(unchecked).toEqual([])
    expect(wrongs).toEqual([])
    await page.context().close()
  }, 300_000)
})
