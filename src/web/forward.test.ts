import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createForward } from './forward.ts'

let folder: string
let core: Server
let web: Server
let url: string
/** How often each connection of the core was asked. */
let asked: Map<Socket, number>

/** A core that closes each connection when it is used again. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-forward-'))
  asked = new Map()
  core = createServer((request, response) => {
    const times = (asked.get(request.socket) ?? 0) + 1
    asked.set(request.socket, times)
    if (times > 1) request.socket.destroy()
    else response.end('answered')
  })
  const socketPath = join(folder, 'core.sock')
  const forward = createForward({ socketPath, secret: 'x' })
  web = createServer((request, response) => forward(request, response, { name: 'anna', role: 'admin' }))
  await new Promise<void>((resolve) => core.listen(socketPath, resolve))
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/api/v1/status`
})

afterEach(() => {
  for (const server of [web, core]) server.close().closeAllConnections()
  rmSync(folder, { recursive: true })
})

test('a question that meets a connection which the core just closed is asked once more, an act is not', async () => {
  for (let time = 0; time < 3; time++) {
    const answer = await fetch(url)
    expect([answer.status, await answer.text()]).toEqual([200, 'answered'])
  }
  expect([...asked.values()].some((times) => times > 1)).toBe(true)
  const act = await fetch(url, { method: 'DELETE' })
  expect(act.status).toBe(503)
  expect(await act.text()).toContain('The core does not answer.')
})
