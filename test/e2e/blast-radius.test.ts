import { afterAll, beforeAll, expect } from 'vitest'
import { goByKey } from '../support/address.ts'
import { testWith } from '../support/needs.ts'
import { type RealPage, startRealPage } from '../support/real-page.ts'
import { listen } from '../support/talkers.ts'

const test = testWith('root', 'ip', 'nft', 'chromium')

let real: RealPage

beforeAll(async () => {
  real = await startRealPage()
})

afterAll(async () => {
  await real?.remove()
})

test('who blocks an address sees what that cuts off, before and after', async () => {
  const port = await listen(real.wire.server)
  const caller = real.wire.client.start(
    process.execPath,
    ...['test/support/tcp-caller.ts', real.wire.server.ip4, String(port)],
  )
  await new Promise((resolve) => caller.stdout?.once('data', resolve))
  const { page, wrongs } = await real.signIn()
  await goByKey(page, 'b', 'Blocks')
  await page.keyboard.press('n')
  const form = page.getByRole('dialog', { name: 'Block an address' })
  await form.waitFor()
  await page.keyboard.type('203.0.113.77')
  await form.getByText('Nothing talks to it now.').waitFor()
  await form.getByLabel('Address or range').fill(real.wire.client.ip4)
  await form.getByText(/It cuts off 1 live connection/).waitFor()
  await form.getByLabel('Address or range').fill(real.wire.server.ip4)
  await form.getByText(/own address/).waitFor()

  await form.getByLabel('Address or range').fill(real.wire.client.ip4)
  await page.keyboard.press('Enter')
  await page.locator('.toast', { hasText: /is blocked for 10 min\. It cuts off 1 live connection/ }).waitFor()
  expect(real.kernelTable()).toContain(real.wire.client.ip4)
  expect(wrongs).toEqual([])
})
