import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { expect } from 'vitest'
import { EbpfOwners } from '#identify/owners/ebpf-owners.ts'
import { OwnerMaker } from '#identify/owners/owner-maker.ts'
import { Processes } from '#identify/owners/process.ts'
import { ProcessBook } from '#identify/owners/process-book.ts'
import { Users } from '#identify/owners/users.ts'
import { ContainerNames } from '#identify/programs/container-names.ts'
import { Assembler } from '#kernel/bpf/assembler.ts'
import { loadProgram, ProgramRefused } from '#kernel/bpf/bpf.ts'
import { SocketWatch } from '#kernel/bpf/socket-watch.ts'
import type { SocketKey } from '#model/owner.ts'
import { testWith } from '../support/needs.ts'

const rootTest = testWith('root')

rootTest(
  'events that find no room are counted and said, and what may be old by then is forgotten',
  async () => {
    const server = createServer((socket) => socket.on('error', () => {}).destroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const processes = new Processes()
    const watch = new SocketWatch({ ringBytes: 4_096 })
    const book = new ProcessBook({
      processes,
      cgroupPath: (id) => watch.cgroups.pathOf(id),
      hasOldCgroups: true,
    })
    const maker = new OwnerMaker({
      source: 'ebpf',
      users: new Users(),
      names: new ContainerNames(),
      processOf: (pid, now) => book.describe(pid, now),
    })
    const owners = new EbpfOwners({ watch, book, maker, netns: statSync('/proc/self/ns/net').ino })
    const connect = (localPort: number, times: number): void => {
      const script = `let left = ${times}; const net = require('net'), go = (localPort) => left-- > 0 &&
      net.connect({ host: '127.0.0.1', port: ${port}, localPort }, function () { this.destroy() }).on('close', () => go(0)); go(${localPort})`
      execFileSync(process.execPath, ['-e', script])
    }
    const key: SocketKey = {
      protocol: 6,
      localAddress: '127.0.0.1',
      localPort: 47_003,
      peerAddress: '127.0.0.1',
      peerPort: port,
    }
    try {
      connect(47_003, 1)
      owners.catchUp(10_000)
      expect(owners.remembered(key, 10_000)).toMatchObject({ path: process.execPath })
      expect(owners.health().state).toBe('ok')
      connect(0, 100)
      owners.catchUp(20_000)
      expect(watch.lost).toBeGreaterThan(100)
      expect(owners.health()).toMatchObject({
        state: 'degraded',
        reason: expect.stringContaining('were lost'),
      })
      expect(owners.remembered(key, 20_000)).toBeUndefined()
      owners.catchUp(90_000)
      expect(owners.health().state).toBe('ok')
    } finally {
      owners.close()
      server.close()
    }
  },
)

rootTest('a program that the kernel refuses is told with the end of the verifier’s words', () => {
  const readsNothing = new Assembler().load(8, 0, 5, 0).exit().assemble()
  let refused: unknown
  try {
    loadProgram('gh_bad', 'connect4', readsNothing)
  } catch (error) {
    refused = error
  }
  expect(refused).toBeInstanceOf(ProgramRefused)
  expect((refused as ProgramRefused).message).toMatch(
    /^the kernel does not load the eBPF program gh_bad \(EACCES\): .*R5 !read_ok/,
  )
})
