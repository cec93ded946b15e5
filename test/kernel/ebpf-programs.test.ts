import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Owners, startOwners } from '#identify/owners/thread.ts'
import { parseCgroupMount } from '#kernel/bpf/cgroup-root.ts'
import type { Owner, SocketKey } from '#model/owner.ts'
import { layWire } from '../support/namespaces.ts'
import { testWith } from '../support/needs.ts'
import { buildShortLived, runShortLived } from '../support/short-lived.ts'
import { holdSockets } from '../support/sockets.ts'

const TCP = 6
const UDP = 17
const ID = '5ca1ab1e'.repeat(8)
const hasCompiler = spawnSync('cc', ['--version']).status === 0
const rootTest = hasCompiler ? testWith('root') : test.skip
const wireTest = hasCompiler ? testWith('root', 'ip') : test.skip
const moduleAt = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href

let folder: string
let program: string
let owners: Owners
let server: Server
const accepted: Socket[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gh-programs-'))
  if (hasCompiler) program = buildShortLived(folder, 'tool')
  server = createServer((socket) => accepted.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  owners = startOwners({ sources: ['ebpf'] })
  await ask({ ...keyTo(0), protocol: 1 })
})

afterAll(async () => {
  await owners.stop()
  for (const socket of accepted) socket.destroy()
  server.close()
  rmSync(folder, { recursive: true })
})

const port = (): number => (server.address() as AddressInfo).port
const keyTo = (localPort: number): SocketKey => ({
  protocol: TCP,
  localAddress: '127.0.0.1',
  localPort,
  peerAddress: '127.0.0.1',
  peerPort: port(),
})

function ask(key: SocketKey): Promise<Owner | undefined> {
  return new Promise((resolve) => {
    owners.onAnswer((answers) => {
      const answer = answers.find((one) => JSON.stringify(one.key) === JSON.stringify(key))
      if (answer) resolve(answer.owner)
    })
    owners.request([key])
  })
}

/** Runs a shell command that ends in a short-lived program, and asks for its connection when all is over. */
async function ownerOfShell(command: string, cwd = folder): Promise<Owner | undefined> {
  const localPort = execFileSync('bash', ['-c', command], { cwd, encoding: 'utf8' })
  return ask(keyTo(Number(localPort)))
}

/** Who makes the one connection to a server of its own; `act` gets its port. */
async function ownerOfCaller(act: (port: number) => void): Promise<Owner | undefined> {
  const own = createServer((socket) => accepted.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(own, 'listening')
  const peerPort = (own.address() as AddressInfo).port
  const called = once(own, 'connection') as Promise<[Socket]>
  act(peerPort)
  const [socket] = await called
  own.close()
  return ask({ ...keyTo(socket.remotePort as number), peerPort })
}

const args = (): string => `127.0.0.1 ${port()} 1000 tcp`

describe('a program that is over is named by its path', () => {
  rootTest('when it was started by a relative name', async () => {
    expect(await ownerOfShell(`cd / && cd ${folder} && exec ./tool ${args()}`)).toMatchObject({
      path: program,
    })
  })

  rootTest('when it was started through a link', async () => {
    const owner = await ownerOfShell(`ln -sf tool link && ${folder}/link ${args()}`)
    expect(owner).toMatchObject({ path: program, name: 'tool' })
  })

  rootTest('when its name is hostile, as it is', async () => {
    const name = 'a \n\u001b[31m<b>&"\' (deleted)'
    copyFileSync(program, join(folder, name))
    const { localPort } = await runShortLived(join(folder, name), args().split(' '))
    expect(await ask(keyTo(localPort))).toMatchObject({ path: join(folder, name), name })
  })

  rootTest('when its path is longer than an event holds, at least by its end', async () => {
    const deep = join(folder, ...Array.from({ length: 6 }, (_, at) => `${at}`.repeat(60)))
    mkdirSync(deep, { recursive: true })
    copyFileSync(program, join(deep, 'deep-tool'))
    const { localPort } = await runShortLived(join(deep, 'deep-tool'), args().split(' '))
    expect((await ask(keyTo(localPort)))?.path.endsWith('deep-tool')).toBe(true)
  })

  rootTest('when it was removed while it ran', async () => {
    const gone = join(folder, 'gone')
    const owner = await ownerOfShell(`cp tool gone && ${gone} ${args()} && rm gone`)
    expect(owner).toMatchObject({ path: gone })
  })

  rootTest('when it forked and became no other program', async () => {
    const owner = await ownerOfCaller((to) => {
      execFileSync('bash', ['-c', `(exec 3<>/dev/tcp/127.0.0.1/${to}; true); true`])
    })
    expect(owner).toMatchObject({ name: 'bash' })
    expect(owner?.parents?.slice(0, 2)).toEqual(['bash', 'node'])
  })
})

rootTest('an IPv4 connection of an IPv6 socket is found by its IPv4 addresses', async () => {
  const { pid, localPort } = await runShortLived(program, ['::ffff:127.0.0.1', String(port()), '1000', 'tcp'])
  expect(await ask(keyTo(localPort))).toMatchObject({ pid, path: program, source: 'ebpf' })
})

rootTest('a connection that is refused has its owner too', async () => {
  const [closed, localPort] = [1, 47_001]
  const script = `const net = require('net'); net.connect({ host: '127.0.0.1', port: ${closed}, localPort: ${localPort} }).on('error', () => process.exit(0))`
  execFileSync(process.execPath, ['-e', script])
  expect(await ask({ ...keyTo(localPort), peerPort: closed })).toMatchObject({
    path: process.execPath,
    source: 'ebpf',
  })
})

rootTest('a live socket whose opener is over belongs to who holds it now', async () => {
  const both = startOwners({ sources: ['ebpf', 'scan'] })
  await both.listSockets()
  // The child keeps descriptor 3 and lets go of our pipe, so that the shell is over for us.
  const script = `exec 3<>/dev/tcp/127.0.0.1/${port()}; sleep 20 >/dev/null 2>&1 & echo $!`
  const child = Number(execFileSync('bash', ['-c', script], { encoding: 'utf8' }))
  try {
    await pause(300)
    const list = await both.listSockets()
    const held = Array.from({ length: list.count }, (_, row) => list.at(row)).filter(
      (socket) => socket.peerPort === port() && socket.owner?.name === 'sleep',
    )
    expect(held.map((socket) => [socket.owner?.pid, socket.owner?.source])).toEqual([[child, 'scan']])
  } finally {
    process.kill(child)
    await both.stop()
  }
})

rootTest('a script is its interpreter, and says which script', async () => {
  const script = join(folder, 'job.sh')
  const owner = await ownerOfCaller((to) => {
    writeFileSync(script, `#!/bin/bash\nexec 3<>/dev/tcp/127.0.0.1/${to}\nsleep 0.02\n`, { mode: 0o755 })
    execFileSync(script)
  })
  expect(owner).toMatchObject({ name: 'bash', script, commandLine: `/bin/bash ${script}` })
})

rootTest('an inbound connection is of the program that listens, also when it is closed', async () => {
  const holder = await holdSockets<{ port: number }>(`
    const server = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1', () => say({ port: server.address().port }))`)
  try {
    const { localPort } = await runShortLived(program, ['127.0.0.1', String(holder.said.port), '1000', 'tcp'])
    const owner = await ask({
      protocol: TCP,
      localAddress: '127.0.0.1',
      localPort: holder.said.port,
      peerAddress: '127.0.0.1',
      peerPort: localPort,
    })
    expect(owner).toMatchObject({ pid: holder.pid, path: process.execPath, source: 'ebpf', confidence: 0.9 })
  } finally {
    await holder.stop()
  }
})

/** Answers of an owners thread in a process of its own, where `/var/lib` is empty but for what `files` puts there. */
function inOwnMounts(script: string, files: Readonly<Record<string, string>>): { owner?: Owner }[] {
  const made = Object.keys(files).map(
    (path) => `mkdir -p "$(dirname ${path})"; cat > ${path} <<'END'\n${files[path]}\nEND\n`,
  )
  const shell = `mount -t tmpfs none /var/lib; ${made.join('')} exec "$0" --input-type=module -e "$1"`
  const text = execFileSync('unshare', ['--mount', 'sh', '-c', shell, process.execPath, script], {
    encoding: 'utf8',
  })
  return JSON.parse(text) as { owner?: Owner }[]
}

wireTest(
  'a container with its own mount, network and process namespaces is named by what it forwards',
  async () => {
    const mount = parseCgroupMount(readFileSync('/proc/self/mountinfo', 'utf8')) as string
    const top = join(mount, `gh-test-${process.pid}`)
    const group = join(top, 'docker', ID)
    const wire = layWire()
    mkdirSync(group, { recursive: true })
    const listener = await holdSockets<{ port: number }>(
      `const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, '${wire.server.ip4}', () => say({ port: server.address().port }))`,
      { namespace: wire.server.namespace },
    )
    try {
      const enter = `echo $$ > ${group}/cgroup.procs && exec nsenter --net=/run/netns/${wire.client.namespace} unshare --mount --pid --fork --mount-proc "$@"`
      const script = `
      import { execFileSync } from 'node:child_process'
      import { startOwners } from '${moduleAt('identify/owners/thread.ts')}'
      const owners = startOwners({ sources: ['ebpf'] })
      const key = (protocol, localPort, peerPort) => ({ protocol, localAddress: '${wire.client.ip4}', localPort, peerAddress: '${wire.server.ip4}', peerPort, isForwarded: true })
      const run = (port, kind) => Number(execFileSync('sh', ['-c', '${enter.replaceAll("'", "\\'")}', 'sh', '${program}', '${wire.server.ip4}', String(port), '3000', kind]))
      owners.onAnswer(() => {
        const keys = [key(${TCP}, run(${listener.said.port}, 'tcp'), ${listener.said.port}), key(${UDP}, run(99, 'udp-connected'), 99)]
        owners.onAnswer((answers) => { console.log(JSON.stringify(answers)); void owners.stop() })
        owners.request(keys)
      })
      owners.request([key(1, 0, 0)])`
      const answers = inOwnMounts(script, {
        [`/var/lib/docker/containers/${ID}/config.v2.json`]: JSON.stringify({ ID, Name: '/shop' }),
      })
      expect(answers).toHaveLength(2)
      for (const { owner } of answers) {
        expect(owner).toMatchObject({
          path: program,
          source: 'ebpf',
          container: { engine: 'docker', id: ID, name: 'shop' },
        })
      }
    } finally {
      await listener.stop()
      wire.remove()
      for (const path of [group, join(top, 'docker'), top]) rmdirSync(path)
    }
  },
)

wireTest('in a network namespace, where control groups are not mounted, it works all the same', async () => {
  const wire = layWire()
  try {
    const script = `
      import { startOwners } from '${moduleAt('identify/owners/thread.ts')}'
      const owners = startOwners({ sources: ['ebpf'] })
      owners.onAnswer(() => { console.log(JSON.stringify(owners.health)); void owners.stop() })
      owners.request([{ protocol: 1, localAddress: '0.0.0.0', localPort: 0, peerAddress: '0.0.0.0', peerPort: 0 }])`
    const health: unknown = JSON.parse(wire.server.run(process.execPath, '--input-type=module', '-e', script))
    expect(health).toEqual({
      part: 'owners',
      state: 'ok',
      note: 'programs are seen by eBPF as they open sockets',
    })
  } finally {
    wire.remove()
  }
})

rootTest('nothing of it stays when it is stopped', async () => {
  const held = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = readlinkSync(`/proc/self/fd/${fd}`)
        return target.includes('bpf') ? [target] : []
      } catch {
        return []
      }
    })
  const before = held()
  const own = startOwners({ sources: ['ebpf'] })
  await new Promise<void>((resolve) => {
    own.onAnswer(() => resolve())
    own.request([{ ...keyTo(0), protocol: 1 }])
  })
  expect(held().length).toBeGreaterThan(before.length + 8)
  await own.stop()
  expect(held()).toEqual(before)
})

rootTest('without the privilege it is said what is missing and what helps', async () => {
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { openSources } from '${moduleAt('identify/owners/open-sources.ts')}'
       import { dropPrivileges } from '${moduleAt('kernel/privilege.ts')}'
       import { SocketDiag } from '${moduleAt('kernel/sock-diag.ts')}'
       dropPrivileges({ user: 'nobody' })
       const opened = openSources(new Set(['ebpf', 'netlink']), { diag: new SocketDiag(), clock: () => 0 })
       console.log(JSON.stringify({ missing: opened.missing, sources: opened.sources.map((one) => one.name) }))
       process.exit(0)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes.toString()
  })
  await once(child, 'close')
  expect(JSON.parse(text)).toEqual({
    missing: {
      reason: 'eBPF is not permitted',
      remedy: 'run Gatehouse as root, or give it CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN',
    },
    // Newer kernels let anybody hear of processes (proc connector, Linux 6.6).
    sources: expect.arrayContaining(['scan']),
  })
})

rootTest('a thread that fails in the middle of events is said, and takes nobody down', async () => {
  const failing = join(folder, 'failing.mjs')
  writeFileSync(
    failing,
    `await import('${moduleAt('identify/owners/worker.ts')}')
    const { spawn } = await import('node:child_process')
    setTimeout(() => {
      for (let at = 0; at < 5; at++) spawn('true')
      for (const until = performance.now() + 100; performance.now() < until; );
      throw new Error('boom')
    }, 100)`,
  )
  for (const sources of [['ebpf'], ['netlink']] as const) {
    const own = startOwners({ sources, workerFile: pathToFileURL(failing) })
    const failed = new Promise<void>((resolve) => own.onAnswer(() => resolve()))
    const nobody: SocketKey = { ...keyTo(1), peerPort: 2 }
    const asking = setInterval(() => own.request([nobody]), 20)
    await failed
    for (let tries = 0; own.health.state === 'ok' && tries < 1_000; tries++) await pause(20)
    clearInterval(asking)
    expect(own.health).toMatchObject({ state: 'degraded', reason: expect.stringContaining('boom') })
    await own.stop()
  }
})
