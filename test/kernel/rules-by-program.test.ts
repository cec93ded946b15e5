import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildCaller } from '../support/caller.ts'
import { hasCompiler } from '../support/compiled.ts'
import { until } from '../support/daemon.ts'
import { testWith } from '../support/needs.ts'
import {
  type CallWay,
  type ClassProbe,
  holderIn,
  makeProgramWorld,
  outcomeOfCall,
  type ProgramWorld,
  portOf,
} from '../support/program-world.ts'

const rootTest = hasCompiler() ? testWith('root', 'ip', 'nft') : test.skip
const LISTENER = new URL('../support/tcp-listener.ts', import.meta.url).pathname
const CALLER = new URL('../support/tcp-caller.ts', import.meta.url).pathname
const ECONNREFUSED = 111

let world: ProgramWorld
let probe: ClassProbe | undefined
let port: string
/** A listener on the other host, that takes every connection. */
let tool: string

beforeEach(async () => {
  world = makeProgramWorld()
  tool = buildCaller(world.folder, 'tool')
  port = await portOf(world.wire.client.start(process.execPath, LISTENER))
})

afterEach(async () => {
  await probe?.ask('stop')
  probe = undefined
  world.remove()
})

/** The probe, with these rules in force. */
async function rules(text: string, options: Parameters<ProgramWorld['probe']>[0] = {}): Promise<ClassProbe> {
  probe ??= await world.probe(options)
  await probe.rules(text)
  return probe
}

const copyOf = (name: string): string => {
  const path = join(world.folder, name)
  copyFileSync(tool, path)
  return path
}

/** What a call to the other host comes to. */
const call = (program: string, how: Partial<CallWay> = {}): string =>
  outcomeOfCall(world, program, { port, ...how })

const passesAtLast = (is: () => boolean, what: string): Promise<void> => until(what, is)

describe('a program that alone is allowed', () => {
  rootTest('passes over TCP and UDP, IPv4 and IPv6; the same bytes under another path do not', async () => {
    const copy = copyOf('copy')
    await rules(
      `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${tool} }`,
    )
    const all = [false, true].flatMap((six) => (['tcp', 'udp'] as const).map((kind) => ({ six, kind })))
    expect(all.map((how) => call(tool, how))).toEqual(Array(4).fill('passes'))
    expect(all.map((how) => call(copy, how))).toEqual([
      'refused',
      'not permitted',
      'refused',
      'not permitted',
    ])
    const counts = await probe?.ask<Record<string, number>>('counts')
    expect(counts).toMatchObject({ 'rule-1': 4, 'default-outbound': 4 })
  })

  rootTest(
    'is another once another file lies at its path, and none is forgotten that was renamed',
    async () => {
      await rules(
        `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${tool} }`,
      )
      const [old, fresh] = [join(world.folder, 'old'), copyOf('fresh')]
      renameSync(tool, old)
      renameSync(fresh, tool)
      spawnSync(old)
      // Each is judged as it starts: by the second start at the latest all is known.
      await passesAtLast(() => call(tool) === 'passes', 'the new file is allowed')
      await passesAtLast(() => call(old) === 'refused', 'the old one is not any more')
    },
  )

  rootTest('may be named by a pattern, and by what it is not', async () => {
    const other = copyOf('other')
    await rules(`rules:\n - { action: reject, direction: out, program: { not: "${world.folder}/t*" } }`)
    // Nobody has seen either before its first start.
    await passesAtLast(() => call(other) === 'refused', 'the other one is refused')
    expect(call(tool)).toBe('passes')
  })
})

describe('a program that is denied', () => {
  const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

  rootTest('by its hash is caught under another name and as a copy, another file is not', async () => {
    await rules(`rules:\n - { action: reject, direction: out, sha256: ${hashOf(tool)} }`)
    await passesAtLast(() => call(tool) === 'refused', 'it is refused')
    const copy = copyOf('copy of it')
    const renamed = join(world.folder, 'renamed')
    renameSync(tool, renamed)
    await passesAtLast(() => call(renamed) === 'refused', 'renamed it is refused')
    await passesAtLast(() => call(copy) === 'refused', 'its copy is refused')
    execFileSync('sh', ['-c', `printf x >> '${copy}'`])
    await passesAtLast(() => call(copy) === 'passes', 'with a byte more it is another')
  })

  rootTest(
    'loses what it has open when the rule comes, and keeps it where the rule is about others',
    async () => {
      const [denied, spared] = [holderIn(world, 'denied', port), holderIn(world, 'spared', port)]
      await until('both are connected', () => denied.said() === 'ready\n' && spared.said() === 'ready\n')
      await rules(`rules:\n - { action: deny, direction: out, program: ${world.folder}/denied }`)
      const startedAt = performance.now()
      await until('its connection is closed', () => denied.said() === 'ready\ngone\n')
      process.stdout.write(`closed within ${Math.round(performance.now() - startedAt)} ms\n`)
      expect(spared.said()).toBe('ready\n')
      expect(await probe?.ask('said')).toEqual([
        'An open connection of a program was closed: the rules deny it.',
      ])
    },
  )

  rootTest('does not go on with datagrams that were answered before the rule came', async () => {
    const { client } = world.wire
    const echo = `require('dgram').createSocket('udp4', function (m, from) { this.send(m, from.port, from.address) }).bind(7777, () => console.log('listening 7777'))`
    await portOf(client.start(process.execPath, '-e', echo))
    const talk = `const s = require('dgram').createSocket('udp4', () => console.log('answer')).on('error', () => {}); setInterval(() => s.send('x', 7777, '${client.ip4}', () => {}), 20)`
    const path = join(world.folder, 'talker')
    copyFileSync(process.execPath, path)
    const talker = world.start([path, '-e', talk])
    let answers = 0
    talker.stdout?.on('data', (bytes: Buffer) => (answers += bytes.toString().split('answer').length - 1))
    await until('it is answered', () => answers > 5)
    await rules(`rules:\n - { action: deny, direction: out, program: ${path} }`)
    await until(
      'the rule counted',
      () =>
        world.wire.server
          .run('nft', 'list', 'table', 'inet', 'gatehouse_rules')
          .match(/packets [1-9]\d* bytes \d+ drop/) !== null,
    )
    // Those that were under way come first.
    let before = -1
    for (let looks = 0; looks < 20 && answers !== before; looks++) {
      before = answers
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    expect(answers).toBe(before)
  })

  rootTest('before anybody has seen it connects once, is closed, and then refused', async () => {
    await rules(`rules:\n - { action: reject, direction: out, program: "${world.folder}/new-*" }`)
    const slow = holderIn(world, 'new-1', port)
    await once(slow.child, 'exit')
    expect(slow.said()).not.toBe('ready\n')
    const copy = copyOf('new-2')
    await passesAtLast(() => call(copy) === 'refused', 'it is refused')
  })

  rootTest('where rules are strict never connects, also not the first time', async () => {
    await rules(`rules:\n - { action: reject, direction: out, program: "${world.folder}/new-*" }`, {
      strict: true,
    })
    for (let made = 0; made < 10; made++) expect(call(copyOf(`new-${made}`))).not.toBe('passes')
    const innocent = copyOf('innocent')
    await passesAtLast(() => call(innocent) === 'passes', 'another one passes once it was seen')
  })

  rootTest('cannot give itself the class of another, and others keep the marks that they set', async () => {
    const allowed = copyOf('allowed')
    await rules(
      `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${allowed} }`,
    )
    expect(call(allowed)).toBe('passes')
    const marked = (program: string, mark: string) => {
      const { status, stdout } = world.run([program, world.wire.client.ip4, port, 'tcp', mark])
      return { status, mark: stdout }
    }
    expect(marked(allowed, '0x0')).toEqual({ status: 0, mark: '0x01000000' })
    expect(marked(allowed, '0x00080007')).toEqual({ status: 0, mark: '0x01080007' })
    expect(call(tool)).toBe('refused')
    const forged = marked(tool, '0x01000000')
    expect(forged.status).toBe(ECONNREFUSED)
    expect(forged.mark).not.toMatch(/^0x01/)
  })

  rootTest(
    'keeps its class to itself where somebody compares whole marks, and is refused where ours are taken',
    async () => {
      const { server } = world.wire
      server.run('ip', 'rule', 'add', 'fwmark', '0xca6c', 'lookup', 'main')
      const rule = `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: ${tool} }`
      await rules(rule)
      expect(call(tool)).toBe('passes')
      const { status, stdout } = world.run([tool, world.wire.client.ip4, port, 'tcp', '0xca6c'])
      expect({ status, mark: stdout }).toEqual({ status: ECONNREFUSED, mark: '0x0000ca6c' })
      await probe?.ask('stop')
      probe = undefined
      server.run('ip', 'rule', 'add', 'fwmark', '0x2000000/0xf000000', 'lookup', 'main')
      await expect(rules(rule)).rejects.toThrow(
        /bits 0xff000000 of marks are used by others \(ip rule fwmark 0x2000000/,
      )
    },
  )

  rootTest('is marked in our network namespace alone', async () => {
    await rules(`rules:\n - { action: reject, direction: out, program: ${tool} }`)
    const { server, client } = world.wire
    const markIn = (namespace: string, to: string): string =>
      execFileSync('sh', [
        '-c',
        `echo $$ > ${world.group}/cgroup.procs; exec nsenter --net=/run/netns/${namespace} ${tool} ${to} 7 udp 0`,
      ]).toString()
    expect(Number(markIn(client.namespace, server.ip4))).toBe(0)
    expect(Number(markIn(server.namespace, client.ip4))).toBe(0x01000000)
  })

  rootTest('finds no gap while rules are changed to others that deny it too', async () => {
    const denying = [
      `rules:\n - { action: reject, direction: out, program: ${tool} }`,
      `rules:\n - { action: reject, direction: out, program: { not: /usr/bin/false } }`,
      `rules:\n - { action: reject, direction: out, program: "${world.folder}/to*" }\n - { action: allow, direction: out, program: /usr/bin/true }`,
      `defaults: { outbound: reject }\nrules:\n - { action: allow, direction: out, program: /usr/bin/true }`,
    ]
    await rules(denying[0] as string)
    await passesAtLast(() => call(tool) === 'refused', 'it is refused')
    const script = `n=0; while [ $n -lt 400 ]; do ${tool} ${world.wire.client.ip4} ${port} tcp && echo passed; n=$((n+1)); done; echo over`
    const trying = world.start(['sh', '-c', script])
    let said = ''
    trying.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()))
    let changes = 0
    while (!said.includes('over')) await rules(denying[changes++ % denying.length] as string)
    expect(said).toBe('over\n')
    expect(changes).toBeGreaterThan(4)
  })
})

describe('who listens', () => {
  const fromClient = (to: string): string =>
    world.wire.client.run(process.execPath, CALLER, world.wire.server.ip4, to, 'once').trim()

  rootTest(
    'is the program that a rule for inbound packets asks for, also when it listened before',
    async () => {
      const paths = ['public', 'private'].map((name) => join(world.folder, name))
      for (const path of paths) copyFileSync(process.execPath, path)
      const ports = await Promise.all(paths.map((path) => portOf(world.start([path, LISTENER]))))
      expect(ports.map(fromClient)).toEqual(['open', 'open'])
      await rules(
        `defaults: { inbound: reject }\nrules:\n - { action: allow, direction: in, program: ${paths[0]} }`,
      )
      expect(ports.map(fromClient)).toEqual(['open', 'failed ECONNREFUSED'])
      const again = await Promise.all(paths.map((path) => portOf(world.start([path, LISTENER]))))
      expect(again.map(fromClient)).toEqual(['open', 'failed ECONNREFUSED'])
    },
  )
})

describe('where a program runs', () => {
  rootTest('its unit, and every unit above, is what rules ask for, from the first packet', async () => {
    world.makeGroup('gh-shop.slice')
    world.makeGroup('gh-shop.slice/gh-web.service')
    world.makeGroup('gh-other.service')
    await rules(
      [
        'rules:',
        ' - { action: reject, direction: out, protocol: tcp, unit: gh-web }',
        ' - { action: reject, direction: out, protocol: udp, unit: gh-shop.slice }',
      ].join('\n'),
    )
    const all = (below: string) => (['tcp', 'udp'] as const).map((kind) => call(tool, { kind, below }))
    expect(all('gh-shop.slice/gh-web.service')).toEqual(['refused', 'not permitted'])
    expect(all('gh-shop.slice')).toEqual(['passes', 'not permitted'])
    expect(all('gh-other.service')).toEqual(['passes', 'passes'])
    expect(all('')).toEqual(['passes', 'passes'])
    // A service that is started anew has a new control group.
    world.makeGroup('gh-later')
    world.makeGroup('gh-later/gh-web.service')
    expect(all('gh-later/gh-web.service')).toEqual(['refused', 'passes'])
  })

  rootTest('together with which program it is, and turned round', async () => {
    world.makeGroup('gh-web.service')
    const other = copyOf('other')
    await rules(`rules:\n - { action: reject, direction: out, program: ${tool}, unit: { not: gh-web } }`)
    expect(call(tool, { below: 'gh-web.service' })).toBe('passes')
    expect(call(tool)).toBe('refused')
    expect(call(other)).toBe('passes')
  })

  rootTest('a container is known by its id, whatever runs in it', async () => {
    const id = 'ab12cd34ef56'.padEnd(64, '0')
    const [before, after] = [`docker-${id}.scope`, `docker-${'9'.repeat(64)}.scope`]
    world.makeGroup(before)
    world.makeGroup(`${before}/inner.scope`)
    world.makeGroup('inner.scope')
    await rules(
      `rules:\n - { action: reject, direction: out, container: [ab12cd34ef56, "${'9'.repeat(12)}"] }`,
    )
    expect(call(tool, { below: before })).toBe('refused')
    expect(call(tool, { below: `${before}/inner.scope` })).toBe('refused')
    expect(call(tool, { below: 'inner.scope' })).toBe('passes')
    world.makeGroup(after)
    await probe?.ask('sweep')
    expect(call(tool, { below: after })).toBe('refused')
  })
})

describe('a package', () => {
  rootTest('is all programs that it brings', async () => {
    const bash = spawnSync('dpkg', ['-S', '/bin/bash'])
    if (bash.status !== 0) return
    const connect = (program: string) =>
      world.run([program, '-c', `exec 3<>/dev/tcp/${world.wire.client.ip4}/${port}`]).status
    const copy = join(world.folder, 'bash')
    copyFileSync('/bin/bash', copy)
    await rules('rules:\n - { action: reject, direction: out, package: bash }')
    expect(connect('/bin/bash')).not.toBe(0)
    expect(connect(copy)).toBe(0)
  })
})
